// Any bytes as a request's frame, to a broker with one topic: it answers, waits or closes the connection,
// what it answers has the length that it says, and the next request is answered as if nothing had been.
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "plimsoll/broker/exchange.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/wire/kafka_metadata.h"

namespace plimsoll {
namespace {

class CountingSink final : public ReplySink {
 public:
  char* reserve(std::size_t size) override {
    room_.resize(size);
    return room_.data();
  }
  void commit(std::size_t size) override {
    head_.append(room_.data(), head_.size() < 4 ? std::min<std::size_t>(size, 4) : 0);
    size_ += size;
  }
  bool file(const SendPlan& plan) override {
    size_ += plan.size.count();
    return true;
  }
  void check() const {
    std::uint64_t told = 0;
    for (char c : head_.substr(0, 4)) told = told << 8 | static_cast<unsigned char>(c);
    PLIMSOLL_CHECK(size_ == told + 4, "told %llu, sent %llu", static_cast<unsigned long long>(told),
                   static_cast<unsigned long long>(size_));
  }

 private:
  std::string room_;
  std::string head_;
  std::uint64_t size_ = 0;
};

class Stage final : public Exchange::Link {
 public:
  Stage() {
    char name[] = "/tmp/plimsoll_broker_fuzz_XXXXXX";
    PLIMSOLL_CHECK(::mkdtemp(name) != nullptr);
    directory_ = name;
    Result<std::unique_ptr<LogStore>> store =
        LogStore::open({.storage = storage_,
                        .directory = directory_ + "/log",
                        .state = line_.open({.name = "log"}),
                        .indexes = line_.open({.name = "indexes"}),
                        .page_cache = line_.open({.name = "page_cache"}),
                        .clock = clock_});
    PLIMSOLL_CHECK(store.has_value(), "%s", store.error().what);
    store_ = *std::move(store);
    broker_ = std::make_unique<Broker>(Broker::Options{.store = *store_,
                                                       .board = board_,
                                                       .clock = clock_,
                                                       .cluster_id = "cluster-of-the-fuzzing",
                                                       .host = "localhost",
                                                       .auto_create = false});
    make_topic();
  }
  ~Stage() override {
    broker_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void run(std::string frame) {
    // What makes folders is left to the tests: topics made by fuzzing would fill the disk.
    if (frame.size() >= 2 && frame[0] == 0 && (frame[1] == 19 || frame[1] == 37)) return;
    Exchange exchange(*broker_, *this);
    CountingSink sink;
    Exchange::Step step = exchange.begin(frame, sink);
    if (step == Exchange::Step::kWait) {
      clock_.advance(std::chrono::minutes(10));
      step = exchange.resume(sink);
    }
    if (step == Exchange::Step::kReplied) sink.check();
    if (!store_->find("t")) make_topic();  // it may have been told to delete it
    std::string next;
    StringSink bytes(next);
    kafka::encode_request_frame(bytes, kafka::ApiVersionsRequest(), 3, 1, "fuzz");
    next.erase(0, 4);
    CountingSink answer;
    PLIMSOLL_CHECK(exchange.begin(next, answer) == Exchange::Step::kReplied);
  }

 private:
  void wake() noexcept override {}
  std::string address() const override { return "127.0.0.1"; }
  void make_topic() { PLIMSOLL_CHECK(store_->create("t", 2, TopicConfig()).has_value()); }

  std::string directory_;
  SystemStorage storage_;
  ManualClock clock_;
  LoadLine line_{{.limit = 256_MiB}};
  AdmissionBoard board_;
  std::unique_ptr<LogStore> store_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static plimsoll::Stage stage;
  stage.run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
