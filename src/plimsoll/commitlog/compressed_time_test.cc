// The exact record of a time within batches that were compressed as Kafka's clients do it.
#include <gtest/gtest.h>

#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/compressed_batch_test.h"
#include "plimsoll/commitlog/internal/decompressor.h"
#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

// `count` records, 10 ms apart, of up to 3,000 random bytes: some larger than the window that looks at them.
std::string batch_of_times(std::int64_t begin, std::int32_t count) {
  Random random(7);
  std::string bytes(static_cast<std::size_t>(count) * 3200 + 1000, '\0');
  BatchBuilder builder(bytes);
  for (std::int32_t i = 0; i < count; ++i) {
    std::string value(random.below(3000), '\0');
    for (char& c : value) c = static_cast<char>('a' + random.below(3));
    PLIMSOLL_CHECK(builder.add({.timestamp = begin + 10 * i, .key = "k", .value = value, .headers = {}}));
  }
  const std::span<char> done = builder.finish({});
  return {done.data(), done.size()};
}

TEST(CompressedTime, TheExactRecordIsFound) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    LogFixture fixture;
    std::shared_ptr<Topic> topic = fixture.create("a");
    Partition& log = topic->partition(0);
    for (int i = 0; i < 3; ++i) {
      const std::string plain = batch_of_times(kNow + 10'000 * i, 200);
      const std::string records = way.compress(plain.substr(BatchHeader::kSize));
      ASSERT_EQ(append(log, with_records(plain, way.codec, records)).error, LogError::kNone);
    }
    for (std::int64_t offset : {0, 1, 77, 199, 200, 201, 399, 555, 599}) {
      const std::int64_t time = kNow + 10'000 * (offset / 200) + 10 * (offset % 200);
      const OffsetAt exact = log.find_time(time);
      EXPECT_EQ(exact.offset, offset);
      EXPECT_EQ(exact.timestamp, time);
      EXPECT_EQ(log.find_time(time - 9).offset, offset) << "and what comes next after a time between two";
    }
    EXPECT_EQ(log.find_time(kNow + 100'000).offset, -1);
    EXPECT_EQ(log.latest_time().offset, 599);
    EXPECT_EQ(fixture.state().pinned(), 0_B);
  }
}

TEST(CompressedTime, WhatCannotBeUnfoldedIsFoundAsAWhole) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    LogFixture fixture;
    std::shared_ptr<Topic> topic = fixture.create("a");
    Partition& log = topic->partition(0);
    const std::string plain = batch_of_times(kNow, 50);
    std::string records = way.compress(plain.substr(BatchHeader::kSize));
    records.resize(records.size() / 2);
    ASSERT_EQ(append(log, with_records(plain, way.codec, records)).error, LogError::kNone);
    EXPECT_EQ(log.find_time(kNow + 480).offset, 0);
    EXPECT_EQ(log.find_time(kNow + 480).timestamp, kNow + 490);
    ASSERT_EQ(append(log, with_records(plain, way.codec, "no such thing")).error, LogError::kNone);
    EXPECT_EQ(log.find_time(kNow + 490).error, LogError::kNone);
  }
}

TEST(CompressedTime, AnyBytesAreUnfoldedOrRefused) {
  Random random(3);
  char name[] = "/tmp/plimsoll_unfold_XXXXXX";
  const int made = ::mkstemp(name);
  ASSERT_GE(made, 0);
  ::close(made);
  SystemStorage storage;
  std::shared_ptr<StoredFile> file = *storage.open(name, OpenMode::kWrite);
  ::unlink(name);
  const std::string plain = batch_of_times(kNow, 20).substr(BatchHeader::kSize);
  for (int round = 0; round < 400; ++round) {
    const Way& way = kWays[random.below(std::size(kWays))];
    std::string bytes = way.compress(plain);
    for (int i = 0; i < 3; ++i) bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    ASSERT_TRUE(file->write_at(0, bytes));
    std::unique_ptr<Decompressor> pieces =
        Decompressor::of(way.codec, {.file = file.get(), .range = {0, bytes.size()}, .held = {}});
    ASSERT_NE(pieces, nullptr);
    std::uint64_t sum = 0;
    while (std::optional<std::string_view> piece = pieces->next()) {
      if (piece->empty() || sum > (std::uint64_t{64} << 20)) break;
      sum += piece->size();
    }
  }
  EXPECT_EQ(Decompressor::of(5, {.file = file.get(), .range = {0, 10}, .held = {}}), nullptr);
}

}  // namespace
}  // namespace plimsoll
