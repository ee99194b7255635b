#include "plimsoll/server/remote_level.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

#include "plimsoll/base/hash.h"
#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

constexpr std::int64_t kLongest_ms = 24 * 3600 * 1000;  // that anything is kept there
constexpr std::size_t kLongestReply = 2 * 1024 * 1024;

std::string bulk(std::string_view bytes) {
  return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
}

std::int64_t lives_ms(std::int64_t expires_at_ms) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return expires_at_ms < 0 ? kLongest_ms : std::clamp<std::int64_t>(expires_at_ms - now, 1, kLongest_ms);
}

}  // namespace

std::optional<RemoteAddress> RemoteAddress::parse(std::string_view text) {
  RemoteAddress address;
  if (text.starts_with("redis://")) {
    address.port = 6379;
  } else if (text.starts_with("memcached://")) {
    address.kind = Kind::kMemcached;
    address.port = 11211;
  } else {
    return std::nullopt;
  }
  text.remove_prefix(text.find("//") + 2);
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (address.kind != Kind::kRedis || text.front() != ':') return std::nullopt;
    address.password = text.substr(1, at - 1);
    text.remove_prefix(at + 1);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    const std::optional<std::uint64_t> port = parse_uint64(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    address.port = static_cast<std::uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  address.host = text;
  if (address.host.empty() || address.host.find_first_of("/@ ") != std::string::npos) return std::nullopt;
  return address;
}

// A socket that is read and written until a deadline.
class RemoteLevel::Connection {
 public:
  explicit Connection(std::chrono::milliseconds call_time) : call_time_(call_time) {}
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // To the first that answers.
  bool open(const NameLookup::Addresses& addresses) {
    for (const SocketAddress& address : addresses) {
      if (socket_ < 0) try_connect(address);
    }
    return socket_ >= 0;
  }
  bool log_in(const std::string& password) {
    return send("*2\r\n" + bulk("AUTH") + bulk(password)) && line() == "+OK";
  }

  // Nobody closed it while it was not used.
  bool whole() const {
    char one = 0;
    const ssize_t got = ::recv(socket_, &one, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  void begin() { deadline_ = std::chrono::steady_clock::now() + call_time_; }
  MonotonicTime deadline() const { return deadline_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t taken = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (taken > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(taken));
      } else if ((errno != EAGAIN && errno != EINTR) || !wait(POLLOUT)) {
        return false;  // a connection that is gone can always be written to, and takes nothing
      }
    }
    return true;
  }
  // Without its end; nothing when there is none in time.
  std::optional<std::string> line() {
    while (true) {
      if (const std::size_t end = input_.find("\r\n"); end != std::string::npos) {
        std::string text = input_.substr(0, end);
        input_.erase(0, end + 2);
        return text;
      }
      if (input_.size() > kLongestReply || !receive()) return std::nullopt;
    }
  }
  bool bytes(std::size_t size, std::string& to) {
    if (size > kLongestReply) return false;
    while (input_.size() < size) {
      if (!receive()) return false;
    }
    to.assign(input_, 0, size);
    input_.erase(0, size);
    return true;
  }

 private:
  void try_connect(const SocketAddress& to) {
    socket_ = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0 ||
        (errno == EINPROGRESS && wait(POLLOUT) &&
         ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)) {
      const int on = 1;
      static_cast<void>(::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
      return;
    }
    ::close(std::exchange(socket_, -1));
  }

  bool wait(short events) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    pollfd one{socket_, events, 0};
    return left.count() > 0 && ::poll(&one, 1, static_cast<int>(left.count())) > 0;
  }

  bool receive() {
    char some[16 * 1024];
    const ssize_t got = ::recv(socket_, some, sizeof some, MSG_DONTWAIT);
    if (got == 0) return false;
    if (got > 0) input_.append(some, static_cast<std::size_t>(got));
    return got > 0 || ((errno == EAGAIN || errno == EINTR) && wait(POLLIN));
  }

  const std::chrono::milliseconds call_time_;
  int socket_ = -1;
  std::string input_;
  MonotonicTime deadline_{};
};

RemoteLevel::RemoteLevel(RemoteAddress address, std::chrono::milliseconds call_time, NameLookup::Ask ask)
    : address_(std::move(address)),
      call_time_(call_time),
      names_(address_.host, address_.port, std::move(ask)) {
  static_cast<void>(restart());
}

RemoteLevel::~RemoteLevel() = default;

CacheLevel::Outcome RemoteLevel::restart() {
  std::random_device device;
  char drawn[32];
  std::snprintf(drawn, sizeof drawn, "plimsoll:%08x%08x:", device(), device());
  {
    MutexLock lock(mutex_);
    namespace_ = drawn;
    generations_.clear();
    free_.clear();
  }
  std::unique_ptr<Connection> connection = take();
  if (!connection) return Outcome::kFailed;
  give(std::move(connection));
  return Outcome::kDone;
}

std::unique_ptr<RemoteLevel::Connection> RemoteLevel::take() {
  {
    MutexLock lock(mutex_);
    while (!free_.empty()) {
      std::unique_ptr<Connection> connection = std::move(free_.back());
      free_.pop_back();
      if (!connection->whole()) continue;
      connection->begin();
      return connection;
    }
  }
  return connect();
}

std::unique_ptr<RemoteLevel::Connection> RemoteLevel::connect() {
  auto connection = std::make_unique<Connection>(call_time_);
  connection->begin();
  const NameLookup::Addresses addresses = names_.addresses(connection->deadline());
  if (addresses.empty()) {
    static_cast<void>(failed(address_.host + " is a name that was not found"));
    return nullptr;
  }
  if (!connection->open(addresses)) {
    names_.doubt();
    static_cast<void>(silent());
    return nullptr;
  }
  if (!address_.password.empty() && !connection->log_in(address_.password)) {
    static_cast<void>(failed(address_.host + " does not take the password"));
    return nullptr;
  }
  return connection;
}

void RemoteLevel::give(std::unique_ptr<Connection> connection) {
  MutexLock lock(mutex_);
  if (free_.size() < kConnections) free_.push_back(std::move(connection));
}

CacheLevel::Outcome RemoteLevel::failed(std::string words) {
  MutexLock lock(mutex_);
  words_ = std::move(words);
  return Outcome::kFailed;
}

std::string RemoteLevel::words() {
  MutexLock lock(mutex_);
  return words_;
}

std::vector<std::uint32_t> RemoteLevel::generations() {
  MutexLock lock(mutex_);
  return generations_;
}

CacheLevel::Outcome RemoteLevel::begin(std::uint32_t generation) {
  std::unique_ptr<Connection> connection = take();
  if (!connection) return Outcome::kFailed;
  give(std::move(connection));
  MutexLock lock(mutex_);
  generations_.push_back(generation);
  return Outcome::kDone;
}

// Nobody asks for their keys again, which end by themselves.
CacheLevel::Outcome RemoteLevel::drop_before(std::uint32_t generation) {
  MutexLock lock(mutex_);
  std::erase_if(generations_, [generation](std::uint32_t known) { return known < generation; });
  return Outcome::kDone;
}

bool RemoteLevel::knows(std::uint32_t generation) {
  MutexLock lock(mutex_);
  return std::find(generations_.begin(), generations_.end(), generation) != generations_.end();
}

// 128 bits of hash: memcached takes no key with blanks, nor one of more than 250 bytes.
std::string RemoteLevel::name_of(std::uint32_t generation, std::string_view key) {
  char hashed[48];
  std::snprintf(hashed, sizeof hashed, "%u:%016llx%016llx", generation,
                static_cast<unsigned long long>(hash64(key, 1)),
                static_cast<unsigned long long>(hash64(key, 2)));
  MutexLock lock(mutex_);
  return namespace_ + hashed;
}

// One round trip for all of them. A value that the server does not take (it is full) is no failure; whoever
// does not say that an erasure was done has failed.
CacheLevel::Outcome RemoteLevel::write(std::span<const Write> writes) {
  const bool redis = address_.kind == RemoteAddress::Kind::kRedis;
  std::string said;
  std::vector<bool> puts;
  for (const Write& write : writes) {
    if (!knows(write.generation)) continue;
    const std::string name = name_of(write.generation, write.key);
    const std::int64_t lives = lives_ms(write.expires_at_ms);
    puts.push_back(write.put);
    if (redis && write.put) {
      said +=
          "*5\r\n" + bulk("SET") + bulk(name) + bulk(write.value) + bulk("PX") + bulk(std::to_string(lives));
    } else if (redis) {
      said += "*2\r\n" + bulk("DEL") + bulk(name);
    } else if (write.put) {
      said += "set " + name + " 0 " + std::to_string((lives + 999) / 1000) + " " +
              std::to_string(write.value.size()) + "\r\n" + std::string(write.value) + "\r\n";
    } else {
      said += "delete " + name + "\r\n";
    }
  }
  if (puts.empty()) return Outcome::kDone;
  std::unique_ptr<Connection> connection = take();
  if (!connection) return Outcome::kFailed;
  if (!connection->send(said)) return silent();
  for (const bool put : puts) {
    const std::optional<std::string> reply = connection->line();
    if (!reply) return silent();
    const bool erased = redis ? reply->starts_with(':') : *reply == "DELETED" || *reply == "NOT_FOUND";
    if (!put && !erased) return failed(address_.host + " says " + reply->substr(0, 100));
  }
  give(std::move(connection));
  return Outcome::kDone;
}

CacheLevel::Outcome RemoteLevel::read(std::uint32_t generation, std::string_view key, std::string& value) {
  if (!knows(generation)) return Outcome::kAbsent;
  const bool redis = address_.kind == RemoteAddress::Kind::kRedis;
  const std::string name = name_of(generation, key);
  std::unique_ptr<Connection> connection = take();
  if (!connection) return Outcome::kFailed;
  if (!connection->send(redis ? "*2\r\n" + bulk("GET") + bulk(name) : "get " + name + "\r\n"))
    return silent();
  const std::optional<std::string> head = connection->line();
  if (!head) return silent();
  const bool absent = redis ? *head == "$-1" : *head == "END";
  if (!absent) {
    // "$5", or "VALUE name 0 5" and an END behind the bytes.
    std::optional<std::uint64_t> size;
    if (head->starts_with(redis ? "$" : "VALUE "))
      size = parse_uint64(std::string_view(*head).substr(redis ? 1 : head->rfind(' ') + 1));
    if (!size) return failed(address_.host + " says " + head->substr(0, 100));
    if (!connection->bytes(*size, value) || connection->line() != "" ||
        (!redis && connection->line() != "END")) {
      return failed(address_.host + " broke off in a value");
    }
  }
  give(std::move(connection));
  return absent ? Outcome::kAbsent : Outcome::kDone;
}

}  // namespace plimsoll
