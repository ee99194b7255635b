// plimsoll top: a running server's memory, live in a terminal, or one picture of it.
#include <unistd.h>

#include <csignal>
#include <thread>

#include "plimsoll/base/text.h"
#include "plimsoll/cli/progress.h"
#include "plimsoll/cli/top_feed.h"
#include "plimsoll/cli/top_frame.h"
#include "plimsoll/cli/top_screen.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

constexpr Duration kShortest = std::chrono::milliseconds(100);
constexpr Duration kLongest = std::chrono::hours(1);
constexpr std::chrono::seconds kPatience{5};

struct Job {
  Endpoint server;
  Duration interval = std::chrono::seconds(1);
};

// The text of a fault, or empty.
std::string read_job(const Call& call, Job& job) {
  const std::string where = call.arguments.value("--http").value_or("127.0.0.1:9644");
  Result<Endpoint> server = Endpoint::parse(where);
  if (!server) return "--http " + where + ": " + server.error().message();
  job.server = *std::move(server);
  const std::string text = call.arguments.value("--interval").value_or("1s");
  const Result<std::chrono::milliseconds> interval = parse_duration(text);
  if (!interval || *interval < kShortest || *interval > kLongest)
    return "--interval " + text + ": write a time from 100ms to 1h, as in 1s";
  job.interval = *interval;
  return {};
}

TopStyle style_of(const Call& call) {
  std::string_view locale = call.variable("LC_ALL");
  if (locale.empty()) locale = call.variable("LC_CTYPE");
  if (locale.empty()) locale = call.variable("LANG");
  const bool unicode =
      locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos ||
      locale.find("UTF8") != std::string_view::npos || locale.find("utf-8") != std::string_view::npos;
  return {.colour = call.coloured(), .unicode = unicode};
}

// Two looks, an interval apart, as rates are what changed between them.
int show_once(const Call& call, const Job& job) {
  TopState state;
  state.where = job.server.text();
  for (int look = 0; look < 2; ++look) {
    if (look > 0) {
      const Waiting waiting(
          call, "waiting for the second look, " + format_duration(job.interval) + " after the first");
      std::this_thread::sleep_for(job.interval);
    }
    Result<TopLook> answer = ask_for_look(job.server, std::chrono::steady_clock::now() + kPatience);
    if (!answer) {
      call.complain("top: " + state.where + ": " + answer.error().message() +
                    "; is plimsoll serve running, and is that its HTTP port (--http ADDRESS:PORT)?");
      return kFailed;
    }
    state.before = std::move(state.now);
    state.now = *std::move(answer);
  }
  TopSize size{.columns = 100, .rows = 0};
  if (const auto columns = parse_uint64(call.variable("COLUMNS"));
      columns && *columns >= 20 && *columns <= 1000)
    size.columns = static_cast<std::size_t>(*columns);
  for (const std::string& line : compose(state, size, style_of(call))) call.print(line + "\n");
  return kDone;
}

// What the feed knows, as of now.
void take(TopState& state, const TopFeed& feed, Duration interval) {
  TopFeed::State known = feed.state();
  state.age = std::chrono::steady_clock::now() - known.heard;
  state.fault = known.fault;
  // One answer that is late is no news.
  const Duration patience = std::max<Duration>(interval * 5 / 2, std::chrono::seconds(3));
  state.stale = known.now ? !known.fault.empty() || state.age > patience : !known.fault.empty();
  if (state.paused) return;
  state.now = std::move(known.now);
  state.before = std::move(known.before);
}

int watch_on(TopScreen& screen, TopFeed& feed, const Job& job, TopStyle style) {
  TopState state;
  state.where = job.server.text();
  for (;;) {
    take(state, feed, job.interval);
    if (!screen.show(compose(state, screen.size(), style))) return kFailed;
    // Once a second also without news: the age of a stale picture is part of it.
    const TopScreen::Word word = screen.listen(std::chrono::seconds(1), feed.descriptor());
    if (word.what == TopScreen::Heard::kNews) feed.hushed();
    if (word.what == TopScreen::Heard::kEnd) return word.signal == SIGINT ? kDone : 128 + word.signal;
    if (word.what != TopScreen::Heard::kKey) continue;
    if (word.key == 'q' || word.key == 'Q' || word.key == '\x04') return kDone;
    if (word.key == ' ') state.paused = !state.paused;
    if (word.key == 's' || word.key == 'S') state.order = after(state.order);
  }
}

int watch(const Call& call, const Job& job) {
  Result<TopScreen> screen = TopScreen::open(STDIN_FILENO, fileno(call.out));
  if (!screen) {
    call.complain("top: " + screen.error().message());
    return kFailed;
  }
  TopFeed feed(job.server, job.interval);
  const int code = watch_on(*screen, feed, job, style_of(call));
  screen->leave();
  return code;
}

int run_top(const Call& call) {
  Job job;
  if (std::string fault = read_job(call, job); !fault.empty()) {
    call.complain("top: " + fault);
    return kWrongUsage;
  }
  // A dumb terminal cannot be drawn over.
  const bool live =
      !call.arguments.has("--once") && ::isatty(fileno(call.out)) == 1 && call.variable("TERM") != "dumb";
  return live ? watch(call, job) : show_once(call, job);
}

}  // namespace

Verb top_verb() {
  return {
      .name = "top",
      .summary = "A running server's memory, live: the level, the hull, the ledger, rates, the last words",
      .example =
          "  plimsoll top\n"
          "  plimsoll top --http 127.0.0.1:9645 --interval 5s\n"
          "  plimsoll top --once                 # one picture, as when the output is no terminal, or a dumb "
          "one\n\n"
          "Keys: q leaves, space pauses, s sorts by use, change or name. Ctrl-Z suspends it.",
      .flags = {{"--interval", "TIME", "between two looks, 100ms to 1h [1s]"},
                {"--once", "", "one picture, after one interval, and no terminal needed"},
                kHttpFlag},
      .positional = {},
      .run = &run_top,
      .exits = {{kDone, "left by q or Ctrl-C; or one picture was shown"},
                {kFailed, "no server answers there (of --once), or the terminal takes nothing"},
                {129, "the terminal went away"},
                {143, "ended by SIGTERM"}}};
}

}  // namespace plimsoll
