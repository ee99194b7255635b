#include "plimsoll/cli/load_worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace plimsoll {

namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::size_t kEvents = 64;
// A paced connection that is not answered holds no more requests than this; the rest are held back, late.
constexpr std::size_t kMostAsked = 10'000;

Duration interval_of(const LoadOptions& options) {
  if (options.rate <= 0) return {};
  double seconds = static_cast<double>(options.threads) / options.rate;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

LoadWorker::LoadWorker(const Shared& shared, unsigned index, unsigned connections)
    : shared_(shared),
      index_(index),
      interval_(interval_of(shared.options)),
      random_(shared.options.seed * 1'000'003 + index),
      buffer_(kBuffer) {
  for (unsigned i = 0; i < connections; ++i) {
    connections_.push_back(std::make_unique<LoadConnection>(shared.options, shared.values, shared.stats));
  }
}

LoadWorker::~LoadWorker() { stop(); }

Result<void> LoadWorker::start() {
  poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll_ < 0) return fail(ErrorCode::kSystem, "no epoll", errno);
  thread_ = std::thread([this] { run(); });
  return {};
}

void LoadWorker::stop() {
  stopping_.store(true, std::memory_order_relaxed);  // seen within a tending; join orders the rest
  if (thread_.joinable()) thread_.join();
  if (poll_ >= 0) ::close(std::exchange(poll_, -1));
}

void LoadWorker::open(LoadConnection& connection) {
  if (!connection.open()) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &connection;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.descriptor(), &event);
}

// What need not be done at every turn: lost connections and stalls.
void LoadWorker::tend(MonotonicTime now) {
  if (now < next_tending_) return;
  next_tending_ = now + kRetry;
  for (auto& connection : connections_) {
    connection->count_stalls(now);
    if (!connection->is_open()) open(*connection);
  }
}

bool LoadWorker::ask(LoadConnection& connection, MonotonicTime due) {
  const LoadOptions& options = shared_.options;
  std::uint64_t ticket = shared_.tickets.fetch_add(1, std::memory_order_relaxed);
  if (options.requests != 0 && ticket >= options.requests) return false;
  std::uint64_t key =
      options.order == KeyOrder::kInOrder ? ticket % options.keys : random_.below(options.keys);
  if (options.get_share > 0 && random_.unit() < options.get_share) {
    connection.ask_get(key, due);
  } else {
    auto version = options.versions == 1 ? 0 : static_cast<std::uint32_t>(random_.below(options.versions));
    connection.ask_set(key, version, due);
  }
  return true;
}

void LoadWorker::issue_batch(LoadConnection& connection, MonotonicTime now) {
  if (!connection.connected() || connection.asked() != 0) return;
  for (unsigned i = 0; i < shared_.options.pipeline && ask(connection, now); ++i) {
  }
  connection.send();
}

// Every request keeps the time it was due, however late it is sent.
void LoadWorker::issue_due(MonotonicTime now) {
  for (; next_due_ <= now; next_due_ += interval_) {
    LoadConnection* chosen = nullptr;
    for (std::size_t tried = 0; tried < connections_.size() && chosen == nullptr; ++tried) {
      LoadConnection& next = *connections_[next_connection_++ % connections_.size()];
      if (next.connected() && next.asked() < kMostAsked) chosen = &next;
    }
    if (chosen == nullptr || !ask(*chosen, next_due_)) return;
    chosen->send();
  }
}

void LoadWorker::wait(Duration timeout) {
  auto ns = std::max<Duration::rep>(timeout.count(), 0);
  timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
  std::array<epoll_event, kEvents> events;
  int count = ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &limit, nullptr);
  for (int i = 0; i < count; ++i) {
    auto& connection = *static_cast<LoadConnection*>(events[static_cast<std::size_t>(i)].data.ptr);
    connection.ready(buffer_);
    if ((events[static_cast<std::size_t>(i)].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
        connection.is_open()) {
      connection.ready(buffer_);  // what came before the end has been read; now the end
    }
    if (interval_ == Duration()) issue_batch(connection, std::chrono::steady_clock::now());
  }
}

void LoadWorker::run() {
  if (shared_.options.core >= 0) pin_thread_to_core(shared_.options.core);
  // Workers start a fraction of the interval apart, so that together they are even.
  next_due_ = std::chrono::steady_clock::now() + interval_ * index_ / shared_.options.threads;
  while (!stopping_.load(std::memory_order_relaxed)) {
    MonotonicTime now = std::chrono::steady_clock::now();
    tend(now);
    MonotonicTime wake = next_tending_;
    if (interval_ != Duration()) {
      issue_due(now);
      // When all are out, next_due_ stays in the past: look again at the next tending or answer.
      if (next_due_ > now) wake = std::min(wake, next_due_);
    }
    wait(wake - now);
  }
}

}  // namespace plimsoll
