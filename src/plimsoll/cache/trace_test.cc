#include "plimsoll/cache/trace.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cstring>

namespace plimsoll {
namespace {

TraceReader::Source source_of(std::string text, std::size_t piece = 7) {
  auto at = std::make_shared<std::size_t>(0);
  return [=](std::span<char> to) -> Result<std::size_t> {
    const std::size_t n = std::min({piece, to.size(), text.size() - *at});
    std::memcpy(to.data(), text.data() + *at, n);
    *at += n;
    return n;
  };
}

std::string compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

struct Outcome {
  std::vector<TraceRequest> requests;
  std::string error;
  std::uint64_t line = 0;
};

Outcome read_all(const std::string& text, std::size_t piece = 7) {
  Outcome outcome;
  TraceReader reader(source_of(text, piece));
  TraceRequest request;
  while (true) {
    Result<bool> there = reader.next(request);
    if (!there) outcome.error = there.error().what;
    if (!there || !*there) break;
    outcome.requests.push_back(request);
  }
  outcome.line = reader.line();
  return outcome;
}

using Requests = std::vector<TraceRequest>;
constexpr const char* kText = "key,size,ttl_s,time_s\n1,100,,\n18446744073709551615,7,60,1.5\n1,100,,2\n";

TEST(TraceReader, ReadsRowsAsTheyAreAndCompressed) {
  const Requests wanted = {{1, 100}, {18446744073709551615u, 7}, {1, 100}};
  for (std::size_t piece : {1, 7, 1000}) {
    EXPECT_EQ(read_all(kText, piece).requests, wanted);
    EXPECT_EQ(read_all(compressed(kText), piece).requests, wanted);
    EXPECT_EQ(read_all(compressed(kText) + compressed("5,6,,\n"), piece).requests.size(), 4u)
        << "frames one after the other";
  }
}

TEST(TraceReader, ReadsAFrameWhoseEndComesWithItsText) {
  std::string text = "key,size\n";
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919) + ",1\n";
  const Outcome outcome = read_all(compressed(text), 64 * 1024);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.requests.size(), 100'000u);
}

TEST(TraceReader, FindsItsColumnsByName) {
  EXPECT_EQ(read_all("time_s,key\n0,5\n1,6").requests, (Requests{{5, 1}, {6, 1}}));
  EXPECT_EQ(read_all("size,key\r\n3,5\r\n\r\n4,6\r\n").requests, (Requests{{5, 3}, {6, 4}}));
}

TEST(TraceReader, NamesTheLineThatDoesNotParse) {
  EXPECT_EQ(read_all("key,size\n1,2\nx,2\n").error, "the key is not an unsigned 64-bit number");
  EXPECT_EQ(read_all("key,size\n1,2\nx,2\n").line, 3u);
  EXPECT_EQ(read_all("key,size\n1,-2\n").error, "the size is not a number of bytes");
  EXPECT_EQ(read_all("key,size\n1,-2\n").line, 2u);
  EXPECT_EQ(read_all("size,key\n1\n").error, "the line has no key");
  EXPECT_EQ(read_all("key\n" + std::string(5000, '1')).error, "a line is longer than 4096 bytes");
  for (const char* header : {"", "\n", "1,2,3,4\n"}) {
    EXPECT_EQ(read_all(header).error, "the first line must name the columns, as in key,size,ttl_s,time_s");
    EXPECT_EQ(read_all(header).line, 1u);
  }
}

TEST(TraceReader, SaysThatACompressedTraceIsCutOrDamaged) {
  const std::string whole = compressed(kText);
  EXPECT_EQ(read_all(whole.substr(0, whole.size() - 3)).error, "the zstd stream ends too early");
  EXPECT_EQ(read_all(whole.substr(0, 4) + "rubbish").error, "the zstd stream is damaged");
}

TEST(TraceReader, PassesOnWhatItsSourceSays) {
  TraceReader reader(
      [](std::span<char>) -> Result<std::size_t> { return fail(ErrorCode::kSystem, "the disk", 5); });
  TraceRequest request;
  EXPECT_EQ(reader.next(request).error().errno_value, 5);
}

TEST(Trace, CountsItsUniqueKeysAndTheirBytes) {
  TraceReader reader(source_of(kText));
  Result<Trace> trace = read_trace(reader);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->requests.size(), 3u);
  EXPECT_EQ(trace->unique_keys, 2u);
  EXPECT_EQ(trace->unique_bytes, 107u);
}

}  // namespace
}  // namespace plimsoll
