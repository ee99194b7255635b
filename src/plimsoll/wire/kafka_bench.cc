// What reading and writing Kafka's messages costs: a request of one batch, as producers send them, and
// messages of a thousand partitions, where the cost a partition shows.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/kafka_fetch.h"
#include "plimsoll/wire/kafka_produce.h"

namespace plimsoll::kafka {
namespace {

constexpr std::int16_t kProduceVersion = 9;
constexpr std::int16_t kFetchVersion = 11;  // the newest that librdkafka 2.0 asks for

// A topic of `count` partitions, each with a batch of 1 KiB.
std::string produce_request(std::size_t count) {
  const std::string batch(1024, 'b');
  std::vector<ProduceRequest::Partition> partitions(count);
  for (std::size_t i = 0; i < count; ++i) {
    partitions[i].index = static_cast<std::int32_t>(i);
    partitions[i].records.bytes = batch;
  }
  const ProduceRequest::Topic topic{"a.topic.of.some.length",
                                    Array<ProduceRequest::Partition>::of(partitions)};
  ProduceRequest request;
  request.acks = -1;
  request.topics = Array<ProduceRequest::Topic>::of({&topic, 1});
  std::string body;
  StringSink sink(body);
  PLIMSOLL_CHECK(encode(sink, request, kProduceVersion));
  return body;
}

// Reads the request and walks it once, as a server does.
void decode_produce(benchmark::State& state) {
  const std::string body = produce_request(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const Result<ProduceRequest> request = decode<ProduceRequest>(body, kProduceVersion);
    PLIMSOLL_CHECK(request.has_value());
    std::size_t bytes = 0;
    for (const ProduceRequest::Topic& topic : request->topics) {
      for (const ProduceRequest::Partition& partition : topic.partitions) bytes += partition.records.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_produce)->Arg(1)->Arg(1000);

// Room for the fields; what is spliced in is only counted.
class FieldSink {
 public:
  char* reserve(std::size_t size) {
    memory_.resize(size > memory_.size() ? size : memory_.size());
    return memory_.data();
  }
  void commit(std::size_t size) { written_ += size; }
  bool splice(std::uint32_t, std::uint64_t size) {
    written_ += size;
    return true;
  }
  std::uint64_t written() const { return written_; }

 private:
  std::vector<char> memory_;
  std::uint64_t written_ = 0;
};

FetchResponse::Partition fetched(const void*, std::uint64_t, std::size_t index) {
  FetchResponse::Partition partition;
  partition.partition_index = static_cast<std::int32_t>(index);
  partition.high_watermark = 1'000'000;
  partition.last_stable_offset = 1'000'000;
  partition.records = {.elsewhere = 65536, .tag = static_cast<std::uint32_t>(index)};
  return partition;
}

// Counts and writes an answer whose partitions are made as it goes, and whose records lie in files.
void encode_fetched(benchmark::State& state) {
  FetchResponse::Topic topic;
  topic.topic = "a.topic.of.some.length";
  topic.partitions =
      Array<FetchResponse::Partition>::generated(static_cast<std::size_t>(state.range(0)), nullptr, fetched);
  FetchResponse response;
  response.responses = Array<FetchResponse::Topic>::of({&topic, 1});
  FieldSink sink;
  for (auto _ : state) {
    PLIMSOLL_CHECK(encode_response_frame(sink, response, kFetchVersion, 1));
    benchmark::DoNotOptimize(sink.written());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_fetched)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace plimsoll::kafka
