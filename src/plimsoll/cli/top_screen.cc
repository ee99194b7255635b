#include "plimsoll/cli/top_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace plimsoll {
namespace {

// Second screen, no cursor, and lines that end where the terminal does: a frame may meet a terminal that has
// just become narrower.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

Result<void> write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(to, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = to, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, 1000);
    } else if (errno != EINTR) {
      return fail(ErrorCode::kSystem, "the terminal takes nothing", errno);
    }
  }
  return {};
}

}  // namespace

Result<TopScreen> TopScreen::open(int in, int out) {
  sigset_t wanted, before;
  sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT})
    sigaddset(&wanted, number);
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
  TopScreen screen(in, out, FileDescriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)), before);
  if (!screen.signals_.open()) return fail(ErrorCode::kSystem, "no descriptor for signals", errno);
  if (Result<void> entered = screen.enter(); !entered) return tl::unexpected(entered.error());
  return screen;
}

TopScreen::TopScreen(TopScreen&& other) noexcept
    : in_(other.in_),
      out_(other.out_),
      signals_(std::move(other.signals_)),
      mask_before_(other.mask_before_),
      keys_(other.keys_),
      shown_(other.shown_),
      ours_(std::exchange(other.ours_, false)),
      settings_(other.settings_) {}

TopScreen::~TopScreen() {
  if (!ours_) return;
  leave();
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

Result<void> TopScreen::enter() {
  if (!keys_ && ::isatty(in_) == 1 && ::tcgetattr(in_, &settings_) == 0) keys_ = true;
  if (keys_) {
    termios raw = settings_;
    // Keys at once and unseen. Signals by keys stay, so that Ctrl-C and Ctrl-Z are what they always are.
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(in_, TCSANOW, &raw);
  }
  shown_ = true;
  return write_all(out_, kEnter);
}

void TopScreen::leave() {
  // Settings first: who sees the first screen again has the terminal as it was. One that is gone needs
  // nothing put back.
  if (std::exchange(keys_, false)) ::tcsetattr(in_, TCSANOW, &settings_);
  if (std::exchange(shown_, false)) static_cast<void>(write_all(out_, kLeave));
}

void TopScreen::suspend() {
  leave();
  ::raise(SIGSTOP);  // returns when somebody says SIGCONT
  static_cast<void>(enter());
}

TopSize TopScreen::size() const {
  winsize found{};
  TopSize size;
  if (::ioctl(out_, TIOCGWINSZ, &found) == 0 && found.ws_col > 0 && found.ws_row > 0)
    size = {.columns = found.ws_col, .rows = found.ws_row};
  return size;
}

Result<void> TopScreen::show(const std::vector<std::string>& lines) {
  // In one write, and each line cleared behind its end and not before, so that nothing flickers.
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
  return write_all(out_, text + "\x1b[J");
}

TopScreen::Word TopScreen::heard_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.number(), &info, sizeof info) != sizeof info) return {};
  switch (info.ssi_signo) {
    case SIGWINCH:
      return {Heard::kResized};
    case SIGTSTP:
      suspend();
      return {Heard::kResized};
    case SIGCONT:
      // Also after a SIGSTOP from outside, behind which a shell may have used the terminal.
      static_cast<void>(enter());
      return {Heard::kResized};
    default:
      return {Heard::kEnd, 0, static_cast<int>(info.ssi_signo)};
  }
}

TopScreen::Word TopScreen::listen(Duration time, int news) {
  std::array<pollfd, 4> watched = {{{.fd = signals_.number(), .events = POLLIN, .revents = 0},
                                    {.fd = keys_ ? in_ : -1, .events = POLLIN, .revents = 0},
                                    {.fd = news, .events = POLLIN, .revents = 0},
                                    {.fd = out_, .events = 0, .revents = 0}}};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  if (::poll(watched.data(), watched.size(), static_cast<int>(ms)) <= 0) return {};
  if (watched[0].revents != 0) return heard_signal();
  if ((watched[3].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return {Heard::kEnd, 0, SIGHUP};
  if (watched[1].revents != 0) {
    char key = 0;
    const ssize_t got = ::read(in_, &key, 1);
    if (got == 1) return {Heard::kKey, key};
    if ((watched[1].revents & (POLLHUP | POLLERR)) != 0) return {Heard::kEnd, 0, SIGHUP};
    return {};
  }
  return {watched[2].revents != 0 ? Heard::kNews : Heard::kNothing};
}

}  // namespace plimsoll
