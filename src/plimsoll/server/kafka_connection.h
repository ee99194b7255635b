// KafkaConnection: one client of the log: reads a frame, has it answered, sends the answer, and so on.
//
// One request at a time, as answers are due in the order of requests. Small frames are read into the loop's
// buffer and answered from there; of a larger one the first 4 KiB are all that is read before the gate lets
// its full size in, and its buffer grows as its bytes come, so that a client which announces much and sends
// nothing holds next to nothing. A fetch that waits holds no buffer, and a reader that is slow holds its
// place in a file.
//
// Thread-safety: its loop; wake() from any thread. Cost: below 2 KiB at rest with its coroutine. Limits:
// frames of kLargestFrame, and of what the gate admits. Errors: a client that breaks the protocol is
// disconnected, with a logged reason. Ownership: itself, through its coroutine.
#pragma once

#include "plimsoll/broker/exchange.h"
#include "plimsoll/pool/request_buffers.h"
#include "plimsoll/server/client.h"
#include "plimsoll/server/memory_wait.h"

namespace plimsoll {

class KafkaConnection final : public Client, private Exchange::Link {
 public:
  static constexpr std::size_t kLargestFrame = 100 * 1024 * 1024;  // as Kafka's socket.request.max.bytes

  KafkaConnection(Loop& loop, asio::ip::tcp::socket socket);
  ~KafkaConnection() override;

  // Serves the client on the loop until either ends it.
  static void start(std::shared_ptr<KafkaConnection> connection);

  void drain() override;

 private:
  // A frame that is larger than what the loop's buffer is lent for.
  struct Body : Arrival {
    std::size_t size = 0;
    RequestBuffers::Buffer buffer;
  };
  class Sink;

  asio::awaitable<void> serve();
  asio::awaitable<bool> answer_small();
  asio::awaitable<bool> answer_large();
  asio::awaitable<bool> admit(Body& body, GatePass& pass);
  asio::awaitable<bool> grow(Body& body);
  asio::awaitable<bool> finish(Exchange::Step step);
  Exchange::Step begin(std::span<char> frame);
  bool read_small();
  void borrow();
  void keep();

  void wake() noexcept override;
  std::string address() const override;

  std::span<char> input();
  bool has_size() { return input().size() >= 4; }
  std::size_t frame_size();  // without the four bytes that say so. REQUIRES: has_size().
  bool is_small() { return 4 + frame_size() <= kSmallFrame; }
  bool is_too_large() { return has_size() && frame_size() > kLargestFrame; }
  bool is_whole() { return has_size() && is_small() && input().size() - 4 >= frame_size(); }

  static constexpr std::size_t kSmallFrame = 16 * 1024;
  static constexpr std::size_t kFirstRead = 4 * 1024;

  Exchange exchange_;
  std::size_t front_ = 0;  // of the loop's buffer, while it is borrowed: done with
  std::size_t end_ = 0;
  bool borrowed_ = false;
  std::atomic<bool> woken_{false};
  std::size_t proven_ = 0;  // the largest frame that it has sent whole
};

}  // namespace plimsoll
