// PeerSocket: a blocking connection to a broker under measurement, with a buffer each way.
//
// The small clients here must never be what limits a broker: what arrives is parsed where it lies, what
// leaves is gathered into one send, and nothing is allocated per message.
//
// Invariant: a view that have(), line() or bytes() gave lives until the next call that reads.
//
// Thread-safety: one thread. Cost: one system call a flush and one a fill; 1 MiB of buffer. Limits: IPv4
// loopback; silence of 60 seconds is a failure. Errors: false, or an empty optional: the connection is lost.
// Ownership: owns the descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll {

class PeerSocket {
 public:
  PeerSocket() = default;
  ~PeerSocket();
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;

  bool connect(std::uint16_t port);

  void put(std::string_view bytes) { out_.append(bytes); }
  std::size_t pending() const { return out_.size(); }
  bool flush();

  // What has arrived and was not taken.
  std::string_view have() const { return {in_.data() + begin_, end_ - begin_}; }
  void take(std::size_t size) { begin_ += size; }
  // Waits for something more.
  bool more();
  // Waits until so many have arrived.
  bool need(std::size_t size);
  // Takes them.
  std::optional<std::string_view> bytes(std::size_t size);
  // Takes a line and its CR LF, and gives it without them.
  std::optional<std::string_view> line();

 private:
  int descriptor_ = -1;
  std::string out_;
  std::vector<char> in_ = std::vector<char>(1 << 20);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Numbers as the network has them, most significant byte first.
template <typename T>
void put_number(std::string& text, T number) {
  for (int shift = static_cast<int>(sizeof(T) * 8) - 8; shift >= 0; shift -= 8) {
    text += static_cast<char>(static_cast<std::uint64_t>(number) >> shift);
  }
}
template <typename T>
T number_at(std::string_view bytes, std::size_t place) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(T) && place + i < bytes.size(); ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[place + i]);
  }
  return static_cast<T>(number);
}
// Two bytes of length before the text, as Kafka and RabbitMQ's streams write it.
inline void put_text(std::string& out, std::string_view text) {
  put_number<std::uint16_t>(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

}  // namespace plimsoll
