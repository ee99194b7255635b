// Kafka's protocol by librdkafka, for rates: its defaults but for acks=1, which batch what comes within 5 ms
// up to 1 MB and hold 100,000 messages at the most; its simple consumer from offset 0.
#include <librdkafka/rdkafka.h>

#include <array>

#include "broker_client.h"
#include "kafka_wire.h"

namespace plimsoll {

namespace {

constexpr int kPatience = 30'000;  // ms

struct HandleEnd {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
struct TopicEnd {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Handle = std::unique_ptr<rd_kafka_t, HandleEnd>;
using Topic = std::unique_ptr<rd_kafka_topic_t, TopicEnd>;
using Settings = std::initializer_list<std::pair<const char*, std::string>>;

struct Reports {
  std::uint64_t delivered = 0;
  bool failed = false;
};

void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& reports = *static_cast<Reports*>(opaque);
  ++reports.delivered;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!reports.failed) client_fails("librdkafka", rd_kafka_err2str(message->err));
    reports.failed = true;
  }
}

class KafkaClient final : public BrokerClient {
 public:
  KafkaClient(std::uint16_t port, unsigned window)
      : server_("127.0.0.1:" + std::to_string(port)), window_(window) {}

  bool connect(std::uint16_t port) {
    if (!wire_.connect(port) || !wire_.greet()) return false;
    consumer_ = handle(RD_KAFKA_CONSUMER, {});
    producer_ = window_ == 0
                    ? handle(RD_KAFKA_PRODUCER, {{"acks", "1"}})
                    : handle(RD_KAFKA_PRODUCER, {{"acks", "1"},
                                                 {"linger.ms", "0"},
                                                 {"queue.buffering.max.messages", std::to_string(window_)}});
    return producer_ != nullptr && consumer_ != nullptr;
  }

  bool create(const std::string& stream) override {
    if (!wire_.create(stream, 1)) return false;
    return learn(producer_.get()) && learn(consumer_.get());
  }
  bool drop(const std::string& stream) override { return wire_.drop(stream); }
  bool produce_one(const std::string& stream) override { return wire_.produce_one(stream); }

  bool produce(const std::string& stream, std::uint64_t count) override {
    Topic topic(rd_kafka_topic_new(producer_.get(), stream.c_str(), nullptr));
    reports_ = {};
    // The client does not change a message that it does not own.
    void* payload = const_cast<char*>(the_message().data());
    for (std::uint64_t sent = 0; sent < count && !reports_.failed;) {
      if (rd_kafka_produce(topic.get(), 0, 0, payload, kMessage, nullptr, 0, nullptr) == 0) {
        if (++sent % 64 == 0) rd_kafka_poll(producer_.get(), 0);
      } else if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(producer_.get(), 10);
      } else {
        return client_fails("librdkafka", rd_kafka_err2str(rd_kafka_last_error()));
      }
    }
    while (reports_.delivered < count && !reports_.failed) {
      if (rd_kafka_poll(producer_.get(), kPatience) == 0) return client_fails("librdkafka", "no reports");
    }
    return !reports_.failed;
  }

  bool consume(const std::string& stream, std::uint64_t count) override {
    Topic topic(rd_kafka_topic_new(consumer_.get(), stream.c_str(), nullptr));
    if (rd_kafka_consume_start(topic.get(), 0, 0) != 0) return false;
    std::array<rd_kafka_message_t*, 1000> messages;
    std::uint64_t seen = 0;
    bool good = true;
    while (good && seen < count) {
      ssize_t got = rd_kafka_consume_batch(topic.get(), 0, 5'000, messages.data(), messages.size());
      if (got <= 0) good = client_fails("librdkafka", "nothing more to consume");
      for (ssize_t i = 0; i < got; ++i) {
        rd_kafka_message_t* message = messages[static_cast<std::size_t>(i)];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
          good = good && message->len == kMessage;
          ++seen;
        }
        rd_kafka_message_destroy(message);
      }
    }
    rd_kafka_consume_stop(topic.get(), 0);
    return good;
  }

 private:
  Handle handle(rd_kafka_type_t type, Settings settings) {
    std::array<char, 512> words;
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", server_.c_str(), words.data(), words.size());
    for (const auto& [name, value] : settings) {
      if (rd_kafka_conf_set(conf, name, value.c_str(), words.data(), words.size()) != RD_KAFKA_CONF_OK) {
        client_fails("librdkafka", words.data());
      }
    }
    if (type == RD_KAFKA_PRODUCER) {
      rd_kafka_conf_set_opaque(conf, &reports_);
      rd_kafka_conf_set_dr_msg_cb(conf, &on_report);
    }
    Handle made(rd_kafka_new(type, conf, words.data(), words.size()));
    if (made == nullptr) {
      client_fails("librdkafka", words.data());
      rd_kafka_conf_destroy(conf);
      return nullptr;
    }
    return made;
  }

  // Has it connect and know all topics, so that neither is in what is measured.
  static bool learn(rd_kafka_t* handle) {
    const rd_kafka_metadata_t* metadata = nullptr;
    rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 1, nullptr, &metadata, kPatience);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client_fails("librdkafka", rd_kafka_err2str(error));
    rd_kafka_metadata_destroy(metadata);
    return true;
  }

  const std::string server_;
  const unsigned window_;
  Reports reports_;  // outlives the handles, which refer to it
  KafkaWire wire_;
  Handle producer_;
  Handle consumer_;
};

}  // namespace

std::unique_ptr<BrokerClient> kafka_client(std::uint16_t port, unsigned window) {
  auto client = std::make_unique<KafkaClient>(port, window);
  if (!client->connect(port)) return nullptr;
  return client;
}

}  // namespace plimsoll
