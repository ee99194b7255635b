// The codecs' own cost, a command or a reply: what a server adds to it is measured by the server's
// benchmarks.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/glob.h"
#include "plimsoll/wire/http_request.h"
#include "plimsoll/wire/resp_decoder.h"
#include "plimsoll/wire/resp_reply.h"
#include "plimsoll/wire/resp_writer.h"

namespace plimsoll {
namespace {

constexpr std::int64_t kPipeline = 16;  // redis-benchmark -P 16
constexpr double kMustNs = 100;         // a command: a twentieth of what Redis needs for all of a request
constexpr double kAimNs = 40;

std::string pipeline(std::span<const std::string_view> args) {
  std::string bytes;
  StringSink sink(bytes);
  RespWriter writer(sink);
  for (std::int64_t i = 0; i < kPipeline; ++i) PLIMSOLL_CHECK(writer.request(args));
  return bytes;
}

std::string get_requests() {
  const std::string_view args[] = {"GET", "key:000000000001"};
  return pipeline(args);
}

std::string set_requests(std::size_t size) {
  const std::string value(size, 'x');
  const std::string_view args[] = {"SET", "key:000000000001", value};
  return pipeline(args);
}

// Touches every argument, as a server would.
std::uint64_t decode_all(RespDecoder& decoder, std::span<char> in) {
  std::uint64_t sum = 0;
  while (decoder.next(in) == RespDecoder::Status::kCommand) {
    for (const RespArg& arg : decoder.args()) sum += arg.view(in).size();
    in = in.subspan(decoder.consumed());
  }
  return sum;
}

void decode(benchmark::State& state, std::string bytes) {
  RespDecoder decoder;
  state.counters["must"] = kMustNs * kPipeline;
  state.counters["aim"] = kAimNs * kPipeline;
  for (auto _ : state) benchmark::DoNotOptimize(decode_all(decoder, bytes));
  state.SetItemsProcessed(state.iterations() * kPipeline);
}
void decode_16_gets(benchmark::State& state) { decode(state, get_requests()); }
void decode_16_sets(benchmark::State& state) {
  decode(state, set_requests(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(decode_16_gets);
BENCHMARK(decode_16_sets)->Arg(3)->Arg(100)->Arg(1024);

void decode_16_inline_pings(benchmark::State& state) {
  std::string bytes;
  for (std::int64_t i = 0; i < kPipeline; ++i) bytes += "PING\r\n";
  decode(state, bytes);
}
BENCHMARK(decode_16_inline_pings);

// One request that comes in pieces of 64 bytes: what is kept between calls must make this cheap.
void decode_set_in_pieces(benchmark::State& state) {
  const std::string value(1000, 'x');
  const std::string_view args[] = {"SET", "key:000000000001", value};
  std::string bytes;
  StringSink sink(bytes);
  RespWriter(sink).request(args);
  RespDecoder decoder;
  for (auto _ : state) {
    for (std::size_t size = 64; size < bytes.size(); size += 64) {
      benchmark::DoNotOptimize(decoder.next({bytes.data(), size}));
    }
    PLIMSOLL_CHECK(decoder.next(bytes) == RespDecoder::Status::kCommand);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_set_in_pieces);

template <typename Write>
void write(benchmark::State& state, Write write_one) {
  std::vector<char> memory(64 * 1024);
  for (auto _ : state) {
    SpanSink sink(memory);
    RespWriter writer(sink);
    for (std::int64_t i = 0; i < kPipeline; ++i) PLIMSOLL_CHECK(write_one(writer));
    benchmark::DoNotOptimize(sink.written().data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kPipeline);
}
void write_16_oks(benchmark::State& state) {
  write(state, [](auto& writer) { return writer.ok(); });
}
void write_16_bulks(benchmark::State& state) {
  const std::string value(static_cast<std::size_t>(state.range(0)), 'x');
  write(state, [&](auto& writer) { return writer.bulk(value); });
}
void write_16_integers(benchmark::State& state) {
  write(state, [number = state.range(0)](auto& writer) { return writer.integer(number); });
}
BENCHMARK(write_16_oks);
BENCHMARK(write_16_bulks)->Arg(3)->Arg(100)->Arg(1024);
BENCHMARK(write_16_integers)->Arg(1)->Arg(123'456'789);

void scan_16_replies(benchmark::State& state) {
  std::string bytes;
  StringSink sink(bytes);
  RespWriter writer(sink);
  for (std::int64_t i = 0; i < kPipeline; ++i) PLIMSOLL_CHECK(writer.bulk(std::string(100, 'x')));
  RespReplyScanner scanner;
  for (auto _ : state) {
    for (std::span<const char> rest = bytes; !rest.empty();) rest = rest.subspan(scanner.feed(rest));
    PLIMSOLL_CHECK(scanner.complete());
  }
  state.SetItemsProcessed(state.iterations() * kPipeline);
}
BENCHMARK(scan_16_replies);

void decode_http_request(benchmark::State& state) {
  const std::string bytes =
      "GET /metrics?name=cache HTTP/1.1\r\nHost: localhost:9644\r\nUser-Agent: Prometheus/2.42.0\r\n"
      "Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n"
      "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n";
  HttpRequestDecoder decoder;
  for (auto _ : state) {
    PLIMSOLL_CHECK(decoder.next(bytes) == HttpRequestDecoder::Status::kRequest);
    benchmark::DoNotOptimize(decoder.request());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_http_request);

void match_glob(benchmark::State& state) {
  const std::string keys[] = {"user:1000:name", "session:abcdef", "user:77:email", "counter"};
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(glob_matches("user:*:[a-n]*", keys[++i % 4]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(match_glob);

}  // namespace
}  // namespace plimsoll
