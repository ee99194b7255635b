// BrokerClient: what a broker is asked to do here, in the protocol of each.
//
// The peers have no client in common, and their own differ in language and in how much they do for each
// message. So each has a small one of ours over its plain protocol, which copies a constant message out and
// looks at the length of what comes in; only Kafka's protocol is spoken by librdkafka, as the issue says.
// NATS, Redis and RabbitMQ have up to 1,000 messages unacknowledged, refilled by 100 at a time.
//
// Thread-safety: one thread. Cost: that of the protocol. Limits: one stream of one partition at a time.
// Errors: false, after words on standard error. Ownership: owns its connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace plimsoll {

inline constexpr std::size_t kMessage = 1024;
inline constexpr std::uint64_t kWindow = 1000;  // messages not yet acknowledged
inline constexpr std::uint64_t kRefill = 100;

class BrokerClient {
 public:
  virtual ~BrokerClient() = default;
  virtual bool create(const std::string& stream) = 0;
  virtual bool drop(const std::string& stream) = 0;
  // Ends when all are acknowledged.
  virtual bool produce(const std::string& stream, std::uint64_t count) = 0;
  // From the first message on, until so many were seen.
  virtual bool consume(const std::string& stream, std::uint64_t count) = 0;
  // One message, on a blocking socket, and its acknowledgement.
  virtual bool produce_one(const std::string& stream) = 0;
};

// librdkafka for rates, and one prepared frame on a plain socket for one message at a time. With a window
// librdkafka has no more than that under way and does not linger; 0 leaves it its own batching.
std::unique_ptr<BrokerClient> kafka_client(std::uint16_t port, unsigned window);
std::unique_ptr<BrokerClient> redis_client(std::uint16_t port);
std::unique_ptr<BrokerClient> nats_client(std::uint16_t port);
std::unique_ptr<BrokerClient> rabbit_client(std::uint16_t port);

// The payload of every message: bytes at random, which nothing can compress.
std::string_view the_message();

// Words on standard error; false.
bool client_fails(const char* who, std::string_view why);

// `put(n)` queues n messages and sends them, `acks()` waits for acknowledgements and gives how many, 0 when
// the connection is lost.
template <typename Put, typename Acks>
bool produce_in_window(std::uint64_t count, const Put& put, const Acks& acks) {
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  while (acknowledged < count) {
    std::uint64_t free = kWindow - (sent - acknowledged);
    while (sent < count && free >= kRefill) {
      std::uint64_t now = count - sent < kRefill ? count - sent : kRefill;
      if (!put(now)) return false;
      sent += now;
      free -= now;
    }
    std::uint64_t more = acks();
    if (more == 0) return false;
    acknowledged += more;
  }
  return true;
}

}  // namespace plimsoll
