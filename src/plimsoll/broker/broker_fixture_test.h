// BrokerFixture: a broker over a log store in a folder of its own, asked with requests as a client would
// encode them, and answered into memory.
//
// Thread-safety: one thread. Cost: a folder a test. Limits: none. Errors: fail the test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "plimsoll/broker/exchange.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/commitlog/batch_builder.h"
#include "plimsoll/wire/kafka_codec.h"

namespace plimsoll {

// What a client would have received, files and all.
class MemorySink final : public ReplySink {
 public:
  char* reserve(std::size_t size) override {
    if (broken) return nullptr;
    room_.resize(size);
    return room_.data();
  }
  void commit(std::size_t size) override { bytes.append(room_.data(), size); }
  bool file(const SendPlan& plan) override {
    std::string part(plan.size.count(), '\0');
    Result<std::size_t> read = plan.file->read_at(plan.position, part);
    EXPECT_TRUE(read && *read == part.size()) << "a plan beyond the end of its file";
    bytes += part;
    ++files;
    return !broken;
  }

  std::string bytes;
  int files = 0;
  bool broken = false;

 private:
  std::string room_;
};

class BrokerFixture : public ::testing::Test, public Exchange::Link {
 protected:
  using Step = Exchange::Step;

  BrokerFixture() : BrokerFixture(LogStore::Sync::kNever) {}
  explicit BrokerFixture(LogStore::Sync sync) : sync_(sync) { open(); }
  ~BrokerFixture() override {
    exchange_.reset();
    broker_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    Result<std::unique_ptr<LogStore>> store = LogStore::open({.storage = storage_,
                                                              .directory = directory_,
                                                              .state = state_,
                                                              .indexes = indexes_,
                                                              .page_cache = page_cache_,
                                                              .clock = clock_,
                                                              .sync = sync_});
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    broker_ = std::make_unique<Broker>(Broker::Options{.store = *store_,
                                                       .board = board_,
                                                       .clock = clock_,
                                                       .cluster_id = "cluster-of-the-fixture",
                                                       .host = host_,
                                                       .port = 9092,
                                                       .default_partitions = 2,
                                                       .sync_before_reply = sync_ == LogStore::Sync::kAlways,
                                                       .waits = &waits_});
    exchange_ = std::make_unique<Exchange>(*broker_, *this);
  }

  void wake() noexcept override { ++wakes_; }
  std::string address() const override { return "192.0.2.7"; }

  // The request's frame without its length.
  template <typename Request>
  static std::string frame(const Request& request, std::int16_t version) {
    std::string bytes;
    StringSink sink(bytes);
    EXPECT_TRUE(kafka::encode_request_frame(sink, request, version, 77, "fixture"));
    return bytes.substr(4);
  }
  template <typename Request>
  Step ask(const Request& request, std::int16_t version) {
    frame_ = frame(request, version);
    sink_ = MemorySink();
    return exchange_->begin(frame_, sink_);
  }
  // What was answered to the last request; its views are good until the next.
  template <typename Request, typename Response>
  Response answer(std::int16_t version) {
    std::string_view rest = sink_.bytes;
    EXPECT_GE(rest.size(), 4u);
    EXPECT_EQ(big_endian(rest.substr(0, 4)), rest.size() - 4) << "the length in front is not the reply's";
    rest.remove_prefix(4);
    Result<std::int32_t> id = kafka::decode_response_header(rest, kafka::api_of<Request>(), version);
    EXPECT_TRUE(id && *id == 77);
    Result<Response> response = kafka::decode<Response>(rest, version);
    EXPECT_TRUE(response) << (response ? "" : response.error().what);
    return response.value_or(Response());
  }
  template <typename Response, typename Request>
  Response get(const Request& request, std::int16_t version) {
    EXPECT_EQ(ask(request, version), Step::kReplied);
    return answer<Request, Response>(version);
  }
  static std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  std::shared_ptr<Topic> make(const std::string& name, std::int32_t partitions = 1) {
    Result<std::shared_ptr<Topic>> topic = store_->create(name, partitions, TopicConfig());
    EXPECT_TRUE(topic);
    return *topic;
  }
  std::string batch(std::string_view value, BatchBuilder::Producer producer = {}) {
    std::string bytes(value.size() + 256, '\0');
    BatchBuilder builder(bytes);
    EXPECT_TRUE(builder.add({.timestamp = clock_.wall_ms(), .key = "k", .value = value, .headers = {}}));
    const std::span<char> done = builder.finish(producer);
    return {done.data(), done.size()};
  }

  const std::string directory_ = ::testing::TempDir() + "/broker-" + std::to_string(::getpid()) + "-" +
                                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const LogStore::Sync sync_;
  SystemStorage storage_;
  ManualClock clock_;
  LoadLine line_{{.limit = 256_MiB}};
  Account& state_ = line_.open({.name = "log"});
  Account& indexes_ = line_.open({.name = "indexes"});
  Account& page_cache_ = line_.open({.name = "page_cache", .kind = AccountKind::kFlushable});
  Account& waits_ = line_.open({.name = "waits"});
  AdmissionBoard board_;
  std::string host_ = "broker.example";
  std::unique_ptr<LogStore> store_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Exchange> exchange_;
  std::string frame_;
  MemorySink sink_;
  int wakes_ = 0;
};

}  // namespace plimsoll
