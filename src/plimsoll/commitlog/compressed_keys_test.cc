// A compacted topic refuses records without a key, also those that have to be unfolded to be seen.
#include <gtest/gtest.h>

#include <algorithm>

#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/compressed_batch_test.h"
#include "plimsoll/commitlog/internal/record_fronts.h"
#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

TopicConfig compacted() {
  TopicConfig config;
  config.compact = true;
  config.max_message_bytes = 64 << 20;
  return config;
}

// Records of up to `value` random bytes, one of them without a key (-1: none is).
std::string batch_without(std::int32_t keyless, std::int32_t count, std::size_t value,
                          std::uint64_t seed = 1) {
  Random random(seed);
  std::string bytes(static_cast<std::size_t>(count) * (value + 100) + 1000, '\0');
  BatchBuilder builder(bytes);
  for (std::int32_t i = 0; i < count; ++i) {
    std::string text(random.below(value) + 1, '\0');
    for (char& c : text) c = static_cast<char>('a' + random.below(4));
    std::optional<std::string_view> key("key");
    if (i % 3 == 0) key = "";  // an empty one is one
    if (i == keyless) key.reset();
    PLIMSOLL_CHECK(builder.add({.timestamp = kNow + i, .key = key, .value = text, .headers = {}}));
  }
  const std::span<char> done = builder.finish({});
  return {done.data(), done.size()};
}

TEST(CompressedKeys, TheFirstRecordWithoutAKeyIsNamed) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    LogFixture fixture;
    Partition& log = fixture.create("a", compacted())->partition(0);
    for (std::int32_t keyless : {0, 1, 63, 198, 199}) {
      const AppendOutcome outcome = append(log, compressed(way, batch_without(keyless, 200, 3000)));
      EXPECT_EQ(outcome.error, LogError::kInvalidRecord);
      EXPECT_EQ(outcome.record_index, keyless);
    }
    EXPECT_EQ(log.end_offset(), 0);
    EXPECT_EQ(append(log, compressed(way, batch_without(-1, 200, 3000))).error, LogError::kNone);
    EXPECT_EQ(append(log, compressed(way, batch_without(-1, 5000, 4))).error, LogError::kNone);
    EXPECT_EQ(log.end_offset(), 5200);
  }
}

TEST(CompressedKeys, OtherTopicsTakeWhatHasNone) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    LogFixture fixture;
    Partition& log = fixture.create("a")->partition(0);
    EXPECT_EQ(append(log, compressed(way, batch_without(0, 3, 10))).error, LogError::kNone);
    EXPECT_EQ(append(log, with_records(batch_without(0, 3, 10), way.codec, "anything")).error,
              LogError::kNone);
  }
}

TEST(CompressedKeys, AgreesWithTheCheckOfPlainBatches) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto count = static_cast<std::int32_t>(1 + random.below(300));
    const auto keyless = static_cast<std::int32_t>(random.below(2 * static_cast<std::uint64_t>(count)));
    const std::string plain = batch_without(keyless, count, 1 + random.below(2000), seed);
    const BatchCheck expected = check_batch(plain, {.max_bytes = plain.size(), .require_keys = true});
    const Way& way = kWays[random.below(std::size(kWays))];
    const std::string batch = compressed(way, plain);
    const BatchCheck found = check_compressed_keys(batch, *read_batch_header(batch), Decompressor::kMemory);
    EXPECT_EQ(found.error, expected.error) << way.name;
    EXPECT_EQ(found.record_index, expected.record_index) << way.name;
  }
}

TEST(CompressedKeys, WhatCannotBeUnfoldedOrIsCutIsRefused) {
  const std::string plain = batch_without(-1, 50, 500);
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    LogFixture fixture;
    Partition& log = fixture.create("a", compacted())->partition(0);
    const std::string records = plain.substr(BatchHeader::kSize);
    const std::string folded = way.compress(records);
    for (const std::string& wrong :
         {std::string("no such thing"), folded.substr(0, folded.size() / 2), way.compress(""),
          way.compress(records.substr(0, records.size() - 1)), way.compress(records + "more")}) {
      EXPECT_EQ(append(log, with_records(plain, way.codec, wrong)).error, LogError::kInvalidRecord);
    }
    EXPECT_EQ(log.end_offset(), 0);
    EXPECT_EQ(append(log, with_records(plain, way.codec, folded)).error, LogError::kNone);
  }
}

// What the strongest levels write: a window that the usual memory does not hold.
TEST(CompressedKeys, EmptyBlocksOfSnappyArePassedOverHoweverManyThereAre) {
  std::string records = framed_snappy("").substr(0, 16);
  for (int i = 0; i < 200'000; ++i) records.append("\0\0\0\1\0", 5);  // a block of nothing
  const std::unique_ptr<Decompressor> pieces =
      Decompressor::of(2, {.file = nullptr, .range = {}, .held = records});
  EXPECT_EQ(pieces->next(), std::string_view());
  const std::string plain = batch_of(3).substr(BatchHeader::kSize);
  records += framed_snappy(plain).substr(16);
  EXPECT_EQ(Decompressor::of(2, {.file = nullptr, .range = {}, .held = records})->next(), plain);
}

TEST(CompressedKeys, ALargeWindowGetsMoreMemoryAndALargerOneIsRefused) {
  const auto with_window = [](const std::string& batch, int log) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    const std::string records = batch.substr(BatchHeader::kSize);
    std::string out(ZSTD_compressBound(records.size()), '\0');
    ZSTD_inBuffer in{records.data(), records.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
    EXPECT_EQ(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0u);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return with_records(batch, 4, out);
  };
  const std::string good = batch_without(-1, 10'000, 900);
  const std::string bad = batch_without(9'999, 10'000, 900);
  for (const auto& [log, memory, error] :
       {std::tuple(21, Decompressor::kMemory, LogError::kNone),
        std::tuple(23, Decompressor::kMemory, LogError::kUnsupportedCodec),
        std::tuple(23, Decompressor::kMostMemory, LogError::kNone),
        std::tuple(24, Decompressor::kMostMemory, LogError::kUnsupportedCodec)}) {
    const std::string batch = with_window(good, log);
    EXPECT_EQ(check_compressed_keys(batch, *read_batch_header(batch), memory).error, error) << log;
  }
  const std::string batch = with_window(bad, 23);
  EXPECT_EQ(check_compressed_keys(batch, *read_batch_header(batch), Decompressor::kMostMemory).record_index,
            9'999);
}

TEST(CompressedKeys, WithoutMemoryToUnfoldItTheBatchIsToBeSentAgain) {
  LogFixture fixture;
  Partition& log = fixture.create("a", compacted())->partition(0);
  const std::string batch = compressed(kWays[4], batch_without(-1, 10, 100));
  {
    const Charge taken = fixture.state().charge(4_MiB);  // of the five that it may have
    ASSERT_TRUE(taken);
    EXPECT_EQ(append(log, batch).error, LogError::kNoMemory);
  }
  EXPECT_EQ(append(log, batch).error, LogError::kNone);
}

TEST(CompressedKeys, ASmallBatchOfManyZerosCostsABoundedTime) {
  const std::string plain = batch_without(-1, 1, 100);
  const std::string zeros(RecordFronts::kMostUnfolded.count() + 1'000'000, '\0');
  for (const Way& way : {kWays[0], kWays[4]}) {
    SCOPED_TRACE(way.name);
    const std::string batch = with_records(plain, way.codec, way.compress("\xfe\xff\xff\x7f" + zeros));
    const BatchCheck check = check_compressed_keys(batch, *read_batch_header(batch), Decompressor::kMemory);
    EXPECT_EQ(check.error, LogError::kInvalidRecord);
  }
}

}  // namespace
}  // namespace plimsoll
