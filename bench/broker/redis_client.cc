// Redis Streams: XADD with an id of the server's, pipelined; XREAD of 1,000 entries from the last id seen.
#include <charconv>

#include "broker_client.h"
#include "peer_socket.h"

namespace plimsoll {

namespace {

constexpr const char* kFields[] = {"XADD", "", "*", "m", ""};

void put_bulk(std::string& out, std::string_view text) {
  out += "$" + std::to_string(text.size()) + "\r\n";
  out += text;
  out += "\r\n";
}

class RedisClient final : public BrokerClient {
 public:
  bool connect(std::uint16_t port) { return socket_.connect(port); }

  bool create(const std::string&) override { return true; }  // the first XADD makes it

  bool drop(const std::string& stream) override {
    std::string command = "*2\r\n$3\r\nDEL\r\n";
    put_bulk(command, stream);
    socket_.put(command);
    auto reply = socket_.flush() ? socket_.line() : std::nullopt;
    return reply && reply->starts_with(":");
  }

  bool produce(const std::string& stream, std::uint64_t count) override {
    const std::string add = adding(stream);
    auto put = [&](std::uint64_t messages) {
      for (std::uint64_t i = 0; i < messages; ++i) socket_.put(add);
      return socket_.flush();
    };
    return produce_in_window(count, put, [this] { return acks(); });
  }

  bool produce_one(const std::string& stream) override {
    if (adds_one_to_ != stream) add_one_ = adding(adds_one_to_ = stream);
    socket_.put(add_one_);
    return socket_.flush() && acks() == 1;
  }

  bool consume(const std::string& stream, std::uint64_t count) override {
    last_id_ = "0";
    for (std::uint64_t seen = 0; seen < count;) {
      std::string command = "*6\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n$7\r\nSTREAMS\r\n";
      put_bulk(command, stream);
      put_bulk(command, last_id_);
      socket_.put(command);
      std::uint64_t read = socket_.flush() ? entries() : 0;
      if (read == 0) return client_fails("redis", "XREAD gave nothing");
      seen += read;
    }
    return true;
  }

 private:
  static std::string adding(const std::string& stream) {
    std::string command = "*5\r\n";
    for (std::size_t i = 0; i < std::size(kFields); ++i) {
      put_bulk(command, i == 1   ? std::string_view(stream)
                        : i == 4 ? the_message()
                                 : std::string_view(kFields[i]));
    }
    return command;
  }

  // "$15\r\n1700000000000-0\r\n" each; those that have arrived, and one at the least.
  std::uint64_t acks() {
    std::uint64_t found = 0;
    do {
      auto length = socket_.line();
      if (!length) return 0;
      if (!length->starts_with("$")) return client_fails("redis", *length), 0;
      if (!socket_.line()) return 0;
      ++found;
    } while (socket_.have().find('\n') != std::string_view::npos);
    return found;
  }

  // The number after `mark`; -1 for anything else.
  std::int64_t counted(char mark) {
    auto text = socket_.line();
    std::int64_t number = -1;
    if (!text || text->empty() || text->front() != mark) return -1;
    std::from_chars(text->data() + 1, text->data() + text->size(), number);
    return number;
  }
  std::optional<std::string_view> bulk() {
    std::int64_t size = counted('$');
    if (size < 0) return std::nullopt;
    auto text = socket_.bytes(static_cast<std::size_t>(size) + 2);
    if (text) text->remove_suffix(2);
    return text;
  }

  // [[stream, [[id, [field, value]], ...]]]: how many entries, the last one's id kept.
  std::uint64_t entries() {
    if (counted('*') != 1 || counted('*') != 2 || !bulk()) return 0;
    const std::int64_t count = counted('*');
    for (std::int64_t i = 0; i < count; ++i) {
      if (counted('*') != 2) return 0;
      auto id = bulk();
      if (!id) return 0;
      last_id_ = *id;
      if (counted('*') != 2 || !bulk()) return 0;
      auto value = bulk();
      if (!value || value->size() != kMessage) return 0;
    }
    return count < 0 ? 0 : static_cast<std::uint64_t>(count);
  }

  PeerSocket socket_;
  std::string adds_one_to_;
  std::string add_one_;
  std::string last_id_;
};

}  // namespace

std::unique_ptr<BrokerClient> redis_client(std::uint16_t port) {
  auto client = std::make_unique<RedisClient>();
  if (!client->connect(port)) return nullptr;
  return client;
}

}  // namespace plimsoll
