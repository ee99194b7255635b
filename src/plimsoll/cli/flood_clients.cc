#include "plimsoll/cli/flood_clients.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace plimsoll {

using namespace std::chrono_literals;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kSmallBuffer = 4096;  // the kernel doubles it; about as little as it allows

LoadOptions with_small_buffer(LoadOptions load) {
  load.receive_buffer = kSmallBuffer;
  return load;
}

bool ended(int descriptor) {
  pollfd entry{descriptor, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0;
}

}  // namespace

// --- FloodTicker

FloodTicker::~FloodTicker() { stop(); }

void FloodTicker::start() {
  thread_ = std::thread([this] {
    MonotonicTime next = std::chrono::steady_clock::now();
    while (wait_until(next)) {
      MonotonicTime now = std::chrono::steady_clock::now();
      tick(now);
      next = std::max(next + period_, now);
    }
  });
}

bool FloodTicker::wait_until(MonotonicTime time) {
  MutexLock lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < time) wake_.wait_until(mutex_, time);
  return !stopping_;
}

void FloodTicker::stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

// --- UnreadReaders

UnreadReaders::UnreadReaders(Options options, LoadOptions load, const ValueSource& values)
    : FloodTicker(20ms),
      options_(options),
      load_(with_small_buffer(std::move(load))),
      stats_(std::make_unique<LoadStats>()),
      readers_(options.clients) {
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    readers_[i].connection = std::make_unique<LoadConnection>(load_, values, *stats_);
    readers_[i].next_key = i * options.depth;  // so that together they hold on to different values
  }
}

UnreadReaders::~UnreadReaders() { stop(); }

void UnreadReaders::ask(Reader& reader, unsigned count, MonotonicTime now) {
  for (unsigned i = 0; i < count; ++i) reader.connection->ask_get(reader.next_key++ % load_.keys, now);
  reader.connection->send();
  reader.next_ask = now + options_.ask_again;
}

void UnreadReaders::tick(MonotonicTime now) {
  for (Reader& reader : readers_) {
    LoadConnection& connection = *reader.connection;
    if (connection.is_open() && ended(connection.descriptor())) connection.close();
    if (!connection.is_open()) {
      if (connection.open_before(now + 100ms)) ask(reader, options_.depth, now);
    } else if (options_.ask_again != Duration() && now >= reader.next_ask) {
      ask(reader, 1, now);
    } else {
      connection.send();
    }
  }
}

void UnreadReaders::read_all(MonotonicTime deadline) {
  std::vector<char> buffer(std::size_t{256} << 10);
  for (;;) {
    std::vector<pollfd> entries;
    std::vector<LoadConnection*> waiting;
    for (Reader& reader : readers_) {
      if (!reader.connection->is_open() || reader.connection->asked() == 0) continue;
      entries.push_back({reader.connection->descriptor(), POLLIN, 0});
      waiting.push_back(reader.connection.get());
    }
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (entries.empty() || left.count() <= 0) return;
    // A second without a byte from anyone: there is no more to come.
    int ready = ::poll(entries.data(), entries.size(), static_cast<int>(std::min<long>(left.count(), 1000)));
    if (ready <= 0) return;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].revents != 0) waiting[i]->ready(buffer);
    }
  }
}

unsigned UnreadReaders::open_connections() const {
  return static_cast<unsigned>(
      std::ranges::count_if(readers_, [](const Reader& reader) { return reader.connection->is_open(); }));
}

// --- SlowBodies

SlowBodies::SlowBodies(Options options, const ValueSource& values)
    : FloodTicker(options.period), options_(std::move(options)), values_(values), writers_(options_.clients) {
  std::string length = std::to_string(options_.announced);
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    std::string key = key_name(options_.key_prefix, i, 12);
    std::string prelude = "*3\r\n$3\r\nSET\r\n$";
    prelude.append(std::to_string(key.size())).append("\r\n").append(key);
    prelude.append("\r\n$").append(length).append("\r\n");
    preludes_.push_back(std::move(prelude));
  }
}

SlowBodies::~SlowBodies() { stop(); }

void SlowBodies::open(std::size_t index, MonotonicTime now) {
  auto socket = LoadSocket::connect_before(options_.host, options_.port, now + 100ms);
  if (!socket) return;
  writers_[index].socket = std::move(*socket);
  writers_[index].sent = 0;
  writers_[index].prelude_left = preludes_[index].size();
}

bool SlowBodies::feed(Writer& writer) {
  const std::string& prelude = preludes_[static_cast<std::size_t>(&writer - writers_.data())];
  std::size_t budget = options_.bytes_a_tick;
  while (budget > 0 && writer.sent < options_.announced + 2) {
    std::string_view bytes = std::string_view(prelude).substr(prelude.size() - writer.prelude_left);
    if (bytes.empty() && writer.sent < options_.announced) {
      std::uint64_t left = options_.announced - writer.sent;
      bytes = values_.value(0, 0, std::min<std::uint64_t>({left, budget, ValueSource::kLargest}));
    } else if (bytes.empty()) {
      bytes = std::string_view("\r\n").substr(writer.sent - options_.announced, budget);
    }
    auto sent = writer.socket.send_some(bytes);
    if (!sent) return false;
    if (*sent == 0) return true;
    bytes_out_.fetch_add(*sent, kRelaxed);
    if (writer.prelude_left > 0) {
      writer.prelude_left -= *sent;
    } else {
      writer.sent += *sent;
      budget -= *sent;
    }
  }
  return true;
}

bool SlowBodies::listen(Writer& writer) {
  std::array<char, 512> reply;
  ssize_t got = writer.socket.receive(reply.data(), reply.size());
  if (got > 0) {
    (reply[0] == '-' ? refused_ : stored_).fetch_add(1, kRelaxed);
    return false;
  }
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
    cut_.fetch_add(1, kRelaxed);
    return false;
  }
  return true;
}

void SlowBodies::tick(MonotonicTime now) {
  unsigned alive = 0;
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    Writer& writer = writers_[i];
    if (!writer.socket.open()) open(i, now);
    if (!writer.socket.open()) continue;
    // What the server said is read first: a send into a connection that it ended would lose it.
    if (!listen(writer)) {
      writer.socket.close();
    } else if (!feed(writer)) {
      if (listen(writer)) cut_.fetch_add(1, kRelaxed);
      writer.socket.close();
    } else {
      ++alive;
    }
  }
  open_.store(alive, kRelaxed);
}

// --- IdleCrowd

namespace {

bool ping(const LoadSocket& socket, MonotonicTime deadline) {
  std::array<char, 64> reply;
  return socket.send_all("*1\r\n$4\r\nPING\r\n", deadline).has_value() &&
         socket.wait(POLLIN, deadline) != 0 && socket.receive(reply.data(), reply.size()) == 7;
}

}  // namespace

unsigned IdleCrowd::gather(const std::string& host, std::uint16_t port, unsigned clients,
                           MonotonicTime deadline) {
  unsigned answered = 0;
  for (unsigned i = 0; i < clients; ++i) {
    auto socket = LoadSocket::connect_before(host, port, deadline, kSmallBuffer);
    if (!socket) continue;
    if (ping(*socket, deadline)) ++answered;
    sockets_.push_back(std::move(*socket));
  }
  return answered;
}

unsigned IdleCrowd::roll_call(MonotonicTime deadline) {
  return static_cast<unsigned>(std::ranges::count_if(
      sockets_, [&](const LoadSocket& socket) { return socket.open() && ping(socket, deadline); }));
}

}  // namespace plimsoll
