// What of a log stays in the page cache: read from the kernel, on a file system that has one.
#include <gtest/gtest.h>

#include <string>

#include "plimsoll/commitlog/internal/reader_places.h"
#include "plimsoll/commitlog/log_fixture_test.h"
#include "plimsoll/os/page_cache.h"

namespace plimsoll {
namespace {

// Not so on file systems in memory, which keep what they are told to forget.
bool forgets_pages(const std::string& directory) {
  SystemStorage storage;
  std::shared_ptr<StoredFile> file = *storage.open(directory + "/probe", OpenMode::kCreate);
  PLIMSOLL_CHECK(file->write_at(0, std::string(64 << 10, 'a')) && file->sync() && file->forget({}));
  const bool gone = cached_bytes(*file, {})->cached.zero();
  PLIMSOLL_CHECK(storage.remove(directory + "/probe").has_value());
  return gone;
}

// Appends until `mib` MiB have been, and lets a reader follow at `behind` bytes.
std::int64_t follow(LogFixture& fixture, Partition& log, std::int64_t from, int mib, std::int64_t behind) {
  const std::string batch = batch_of({.value = 64'000});
  const auto size = static_cast<std::int64_t>(batch.size());
  for (std::int64_t appended = 0; appended < std::int64_t{mib} << 20; appended += size) {
    append(log, batch);
    while (behind >= 0 && (log.end_offset() - from) * size > behind) {
      EXPECT_EQ(bytes_of(log.read(from, Bytes(batch.size()), true).plan).size(), batch.size());
      ++from;
    }
    fixture.store().tick();
  }
  return from;
}

TEST(PartitionPages, LetsGoOfSealedSegmentsOnceReadersHaveHadThem) {
  LogFixture fixture({.write_behind = 64_KiB, .keep_behind = 256_KiB});
  if (!forgets_pages(fixture.directory())) GTEST_SKIP() << "this file system forgets nothing";
  TopicConfig config;
  config.segment_bytes = 2 << 20;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  // A step more goes once the reader is a step further; and the last is cut at whole steps.
  constexpr Bytes kSlack = 512_KiB;
  // It is there from the beginning: what nobody was seen to read went at 256 KiB.
  std::int64_t from = follow(fixture, topic->partition(0), 0, 1, 100 << 10);
  from = follow(fixture, topic->partition(0), from, 10, 1 << 20);
  EXPECT_GE(fixture.store().stats().rolls, 4U);
  EXPECT_GE(fixture.store().stats().page_cache, 1_MiB) << "what the reader is to come to";
  EXPECT_LE(fixture.store().stats().page_cache, 1_MiB + kSlack);
  from = follow(fixture, topic->partition(0), from, 4, 3 << 20);
  EXPECT_GE(fixture.store().stats().page_cache, 3_MiB) << "the reader is in an older segment than the writer";
  EXPECT_LE(fixture.store().stats().page_cache, 3_MiB + kSlack);
  fixture.clock().advance(ReaderPlaces::kPatience + std::chrono::milliseconds(1));
  follow(fixture, topic->partition(0), from, 1, -1);
  EXPECT_LE(fixture.store().stats().page_cache, 256_KiB + kSlack) << "nobody reads any more";
}

TEST(PartitionPages, LetsGoAgainOfWhatOneFarBehindHadReadFromTheDiskWhereMemoryIsShort) {
  LogFixture fixture({.write_behind = 64_KiB, .keep_behind = 256_KiB});
  if (!forgets_pages(fixture.directory())) GTEST_SKIP() << "this file system forgets nothing";
  TopicConfig config;
  config.segment_bytes = 2 << 20;
  std::shared_ptr<Topic> topic = fixture.create("a", config);
  follow(fixture, topic->partition(0), 0, 12, -1);
  const auto read_on = [&fixture, &topic](std::int64_t from, std::int64_t to) {
    for (; from < to; ++from) {
      bytes_of(topic->partition(0).read(from, 1_KiB, true).plan);
      fixture.store().tick();
    }
  };
  read_on(0, 40);
  EXPECT_GE(fixture.store().stats().page_cache, 2_MiB) << "there is room, and somebody may read it again";
  Charge others = fixture.fill_line();
  fixture.clock().advance(std::chrono::milliseconds(1100));
  read_on(40, 41);  // it is seen that memory is short
  read_on(41, 80);
  EXPECT_LE(fixture.store().stats().page_cache, 1_MiB);
}

}  // namespace
}  // namespace plimsoll
