// KafkaWire: the few requests of Kafka's protocol that are sent here by hand, on a blocking socket.
//
// Topics are made and deleted by it, connections greeted, and single messages produced: one frame, made
// once, sent again and again with another correlation id, so that a client costs as little as those of the
// other brokers. It shares no code with our own codecs.
//
// Thread-safety: one thread. Cost: one send and one or two receives a request. Limits: one partition of one
// topic at a time. Errors: false, after words on standard error. Ownership: owns its connection.
#pragma once

#include <cstdint>
#include <string>

#include "peer_socket.h"

namespace plimsoll {

class KafkaWire {
 public:
  bool connect(std::uint16_t port) { return socket_.connect(port); }
  // ApiVersions, as every client begins.
  bool greet();
  bool create(const std::string& topic, std::int32_t partitions);
  bool drop(const std::string& topic);
  // One message into partition 0, acks=1.
  bool produce_one(const std::string& topic);

 private:
  // Sends a frame that begun() began, and waits for its answer.
  bool ask(std::string frame, std::string& answer);

  PeerSocket socket_;
  std::int32_t correlation_ = 0;
  std::string topic_;
  std::string frame_;  // a produce request to topic_
};

}  // namespace plimsoll
