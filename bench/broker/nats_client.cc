// NATS JetStream: PUB with an inbox for the publish acknowledgements, and a push consumer that acknowledges
// nothing and answers flow control, as the ordered consumer of NATS's own clients does.
#include <charconv>

#include "broker_client.h"
#include "peer_socket.h"

namespace plimsoll {

namespace {

constexpr std::string_view kReplies = "_INBOX.replies";
constexpr std::string_view kDeliveries = "_INBOX.deliveries";

// The word at the end of a line is the size of what follows it.
std::size_t size_of(std::string_view line) {
  std::string_view word = line.substr(line.rfind(' ') + 1);
  std::size_t size = 0;
  std::from_chars(word.data(), word.data() + word.size(), size);
  return size;
}

std::string_view word_of(std::string_view line, int which) {
  for (; which > 0; --which) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  return line.substr(0, line.find(' '));
}

class NatsClient final : public BrokerClient {
 public:
  bool connect(std::uint16_t port) {
    if (!socket_.connect(port) || !socket_.line()) return false;
    socket_.put(
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,"
        "\"lang\":\"c++\",\"version\":\"1\",\"protocol\":1}\r\nSUB ");
    socket_.put(kReplies);
    socket_.put(" 1\r\nPING\r\n");
    auto reply = socket_.flush() ? socket_.line() : std::nullopt;
    return reply && *reply == "PONG";
  }

  bool create(const std::string& stream) override {
    return ask("STREAM.CREATE." + stream, "{\"name\":\"" + stream + "\",\"subjects\":[\"" + stream +
                                              "\"],\"storage\":\"file\",\"retention\":\"limits\","
                                              "\"max_msgs\":-1,\"max_bytes\":-1,\"num_replicas\":1}");
  }
  bool drop(const std::string& stream) override { return ask("STREAM.DELETE." + stream, ""); }

  bool produce(const std::string& stream, std::uint64_t count) override {
    const std::string publish = publishing(stream);
    auto put = [&](std::uint64_t messages) {
      for (std::uint64_t i = 0; i < messages; ++i) socket_.put(publish);
      return socket_.flush();
    };
    return produce_in_window(count, put, [this] { return acks(); });
  }

  bool produce_one(const std::string& stream) override {
    if (publishes_one_to_ != stream) publish_one_ = publishing(publishes_one_to_ = stream);
    socket_.put(publish_one_);
    return socket_.flush() && acks() == 1;
  }

  bool consume(const std::string& stream, std::uint64_t count) override {
    socket_.put("SUB " + std::string(kDeliveries) + " 2\r\n");
    deliveries_ = 0;
    if (!ask("CONSUMER.CREATE." + stream,
             "{\"stream_name\":\"" + stream + "\",\"config\":{\"deliver_subject\":\"" +
                 std::string(kDeliveries) +
                 "\",\"deliver_policy\":\"all\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\","
                 "\"max_deliver\":1,\"flow_control\":true,\"idle_heartbeat\":5000000000}}")) {
      return false;
    }
    while (deliveries_ < count) {
      if (!next()) return client_fails("nats", "deliveries ended");
    }
    socket_.put("UNSUB 2\r\n");
    return socket_.flush();
  }

 private:
  static std::string publishing(const std::string& stream) {
    std::string text =
        "PUB " + stream + " " + std::string(kReplies) + " " + std::to_string(kMessage) + "\r\n";
    text += the_message();
    return text + "\r\n";
  }

  bool ask(const std::string& subject, const std::string& body) {
    socket_.put("PUB $JS.API." + subject + " " + std::string(kReplies) + " " + std::to_string(body.size()) +
                "\r\n" + body + "\r\n");
    replies_ = 0;
    if (!socket_.flush()) return false;
    while (replies_ == 0) {
      if (!next()) return client_fails("nats", subject);
    }
    return true;
  }

  std::uint64_t acks() {
    replies_ = 0;
    do {
      if (!next()) return 0;
    } while (replies_ == 0 || socket_.have().find('\n') != std::string_view::npos);
    return replies_;
  }

  // One line of the protocol and what belongs to it.
  bool next() {
    auto line = socket_.line();
    if (!line) return false;
    if (line->starts_with("MSG ")) {
      const bool reply = word_of(*line, 2) == "1";
      auto body = socket_.bytes(size_of(*line) + 2);
      if (!body) return false;
      if (!reply) return ++deliveries_, body->size() == kMessage + 2;
      ++replies_;
      return body->find("\"error\"") == std::string_view::npos || client_fails("nats", *body);
    }
    if (line->starts_with("HMSG ")) return status(*line);
    if (*line == "PING") return socket_.put("PONG\r\n"), socket_.flush();
    return line->starts_with("PONG") || line->starts_with("INFO") || client_fails("nats", *line);
  }

  // A heartbeat, which asks for nothing, or a request of flow control, which wants its reply subject
  // answered.
  bool status(std::string_view line) {
    const std::string subject(word_of(line, 3));
    const bool answered = word_of(line, 5) != "";
    auto body = socket_.bytes(size_of(line) + 2);
    if (!body) return false;
    if (body->starts_with("NATS/1.0 503")) return client_fails("nats", "nobody answers: is JetStream on?");
    if (!answered || body->find("FlowControl") == std::string_view::npos) return true;
    socket_.put("PUB " + subject + " 0\r\n\r\n");
    return socket_.flush();
  }

  PeerSocket socket_;
  std::string publishes_one_to_;
  std::string publish_one_;
  std::uint64_t replies_ = 0;
  std::uint64_t deliveries_ = 0;
};

}  // namespace

std::unique_ptr<BrokerClient> nats_client(std::uint16_t port) {
  auto client = std::make_unique<NatsClient>();
  if (!client->connect(port)) return nullptr;
  return client;
}

}  // namespace plimsoll
