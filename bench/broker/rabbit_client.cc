// RabbitMQ streams: the few frames of its binary protocol that a publisher and a consumer need. Frames and
// keys: RabbitMQ's "PROTOCOL.adoc" of the plugin rabbitmq_stream.
#include "broker_client.h"
#include "peer_socket.h"

namespace plimsoll {

namespace {

enum Key : std::uint16_t {
  kDeclarePublisher = 1,
  kPublish = 2,
  kPublishConfirm = 3,
  kPublishError = 4,
  kDeletePublisher = 6,
  kSubscribe = 7,
  kDeliver = 8,
  kCredit = 9,
  kUnsubscribe = 12,
  kCreate = 13,
  kDelete = 14,
  kPeerProperties = 17,
  kSaslHandshake = 18,
  kSaslAuthenticate = 19,
  kTune = 20,
  kOpen = 21,
};
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kChunksAhead = 10;  // credit of RabbitMQ's own clients
constexpr std::size_t kChunkHeader = 48;

std::string begun(Key key) {
  std::string frame;
  put_number<std::uint16_t>(frame, key);
  put_number<std::uint16_t>(frame, 1);  // version
  return frame;
}

class RabbitClient final : public BrokerClient {
 public:
  bool connect(std::uint16_t port) {
    std::string nothing(4, '\0');
    std::string login;
    put_text(login, "PLAIN");
    const std::string words("\0guest\0guest", 12);
    put_number<std::uint32_t>(login, static_cast<std::uint32_t>(words.size()));
    login += words;
    std::string host;
    put_text(host, "/");
    return socket_.connect(port) && ask(kPeerProperties, nothing) && ask(kSaslHandshake, "") &&
           ask(kSaslAuthenticate, login) && tune() && ask(kOpen, host);
  }

  bool create(const std::string& stream) override {
    std::string body;
    put_text(body, stream);
    put_number<std::uint32_t>(body, 0);  // arguments
    return ask(kCreate, body);
  }

  bool drop(const std::string& stream) override {
    publishes_to_.clear();
    std::string body;
    put_text(body, stream);
    return ask(kDelete, body);
  }

  bool produce(const std::string& stream, std::uint64_t count) override {
    if (!declare(stream)) return false;
    auto put = [this](std::uint64_t messages) { return publish(messages); };
    return produce_in_window(count, put, [this] { return acks(); });
  }

  bool produce_one(const std::string& stream) override {
    return declare(stream) && publish(1) && acks() == 1;
  }

  bool consume(const std::string& stream, std::uint64_t count) override {
    std::string body(1, '\1');  // the subscription's id
    put_text(body, stream);
    put_number<std::uint16_t>(body, 1);  // from the first
    put_number<std::uint16_t>(body, kChunksAhead);
    put_number<std::uint32_t>(body, 0);  // properties
    delivered_ = 0;
    if (!ask(kSubscribe, body)) return false;
    while (delivered_ < count) {
      if (!next()) return client_fails("rabbitmq", "deliveries ended");
    }
    return ask(kUnsubscribe, std::string(1, '\1'));
  }

 private:
  void put_frame(const std::string& frame) {
    std::string size;
    put_number<std::uint32_t>(size, static_cast<std::uint32_t>(frame.size()));
    socket_.put(size);
    socket_.put(frame);
  }

  bool ask(Key key, const std::string& body) {
    std::string frame = begun(key);
    put_number<std::uint32_t>(frame, ++correlation_);
    put_frame(frame + body);
    answered_ = 0;
    if (!socket_.flush()) return false;
    while (answered_ != key) {
      if (!next()) return client_fails("rabbitmq", "request " + std::to_string(key));
    }
    return true;
  }

  // The server says its largest frame and its heartbeat; ours is its frame, and no heartbeat.
  bool tune() {
    while (frame_max_ == 0) {
      if (!next()) return false;
    }
    std::string frame = begun(kTune);
    put_number<std::uint32_t>(frame, frame_max_);
    put_number<std::uint32_t>(frame, 0);
    put_frame(frame);
    return socket_.flush();
  }

  bool declare(const std::string& stream) {
    if (publishes_to_ == stream) return true;
    if (!publishes_to_.empty() && !ask(kDeletePublisher, std::string(1, '\0'))) return false;
    std::string body(1, '\0');  // the publisher's id
    put_text(body, "");         // and no name: duplicates are not looked for
    put_text(body, stream);
    publishes_to_ = stream;
    return ask(kDeclarePublisher, body);
  }

  bool publish(std::uint64_t messages) {
    frame_ = begun(kPublish);
    frame_ += '\0';
    put_number<std::uint32_t>(frame_, static_cast<std::uint32_t>(messages));
    for (std::uint64_t i = 0; i < messages; ++i) {
      put_number<std::uint64_t>(frame_, ++published_);
      put_number<std::uint32_t>(frame_, kMessage);
      frame_ += the_message();
    }
    put_frame(frame_);
    return socket_.flush();
  }

  std::uint64_t acks() {
    confirmed_ = 0;
    do {
      if (!next()) return 0;
    } while (confirmed_ == 0 || whole_frame_here());
    return confirmed_;
  }
  bool whole_frame_here() const {
    std::string_view all = socket_.have();
    return all.size() >= 4 && all.size() >= 4 + number_at<std::uint32_t>(all, 0);
  }

  bool next() {
    auto size = socket_.bytes(4);
    if (!size) return false;
    auto frame = socket_.bytes(number_at<std::uint32_t>(*size, 0));
    if (!frame) return false;
    const auto key = number_at<std::uint16_t>(*frame, 0);
    if (key == kPublishConfirm) return confirmed_ += number_at<std::uint32_t>(*frame, 5), true;
    if (key == kDeliver) return delivered(*frame);
    if (key == kTune) return frame_max_ = number_at<std::uint32_t>(*frame, 4), true;
    if (key == kPublishError) return client_fails("rabbitmq", "a message was refused");
    if ((key & kResponse) != 0) {
      answered_ = key & 0x7fff;
      const auto code = number_at<std::uint16_t>(*frame, 8);
      // A response to credit has only a code, and only when there is something to complain of.
      return code == 1 || client_fails("rabbitmq", "answer " + std::to_string(code));
    }
    return true;
  }

  // A chunk: its header, then entries of four bytes of length each. Looks at every one of them.
  bool delivered(std::string_view frame) {
    std::string_view chunk = frame.substr(5);
    const auto entries = number_at<std::uint16_t>(chunk, 2);
    std::size_t place = kChunkHeader;
    for (unsigned i = 0; i < entries; ++i) {
      if (number_at<std::uint32_t>(chunk, place) != kMessage) return false;
      place += 4 + kMessage;
    }
    delivered_ += entries;
    std::string credit = begun(kCredit) + '\1';
    put_number<std::uint16_t>(credit, 1);
    put_frame(credit);
    return socket_.flush();
  }

  PeerSocket socket_;
  std::string frame_;
  std::string publishes_to_;
  std::uint32_t correlation_ = 0;
  std::uint32_t frame_max_ = 0;
  std::uint16_t answered_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t confirmed_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace

std::unique_ptr<BrokerClient> rabbit_client(std::uint16_t port) {
  auto client = std::make_unique<RabbitClient>();
  if (!client->connect(port)) return nullptr;
  return client;
}

}  // namespace plimsoll
