#include "plimsoll/cli/top_feed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "plimsoll/cli/http_client.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kPatience{2};

void raise_in(const FileDescriptor& event) {
  const std::uint64_t one = 1;
  static_cast<void>(::write(event.number(), &one, sizeof one));  // only a counter at its end refuses it
}

}  // namespace

Result<TopLook> ask_for_look(const Endpoint& server, MonotonicTime deadline, int given_up) {
  Result<HttpPage> page = http_fetch(server, "/api/v1/status", deadline, given_up);
  if (!page) return tl::unexpected(page.error());
  if (page->status != 200) return fail(ErrorCode::kInvalid, "what answers there is not Plimsoll's HTTP port");
  return read_look(page->body);
}

TopFeed::TopFeed(Endpoint server, Duration interval)
    : server_(std::move(server)),
      interval_(interval),
      news_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      given_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {}

TopFeed::~TopFeed() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_wanted_.notify_all();
  raise_in(given_up_);
  thread_.join();
}

TopFeed::State TopFeed::state() const {
  MutexLock lock(mutex_);
  return state_;
}

void TopFeed::hushed() {
  std::uint64_t count = 0;
  static_cast<void>(::read(news_.number(), &count, sizeof count));  // nothing to read: it was quiet
}

void TopFeed::keep(Result<TopLook> answer) {
  {
    MutexLock lock(mutex_);
    if (answer) {
      // The look before the gap says nothing of the rates behind it, but that is seen by its times.
      state_.before = std::move(state_.now);
      state_.now = std::move(*answer);
      state_.heard = std::chrono::steady_clock::now();
      state_.fault.clear();
    } else {
      state_.fault = server_.text() + ": " + answer.error().message();
    }
  }
  raise_in(news_);
}

void TopFeed::run() {
  for (;;) {
    const MonotonicTime begun = std::chrono::steady_clock::now();
    keep(ask_for_look(server_, begun + kPatience, given_up_.number()));
    MutexLock lock(mutex_);
    while (!stopping_ && std::chrono::steady_clock::now() < begun + interval_)
      stop_wanted_.wait_until(mutex_, begun + interval_);
    if (stopping_) return;
  }
}

}  // namespace plimsoll
