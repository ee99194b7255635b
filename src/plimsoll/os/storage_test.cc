#include "plimsoll/os/storage.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include "plimsoll/os/faulty_storage.h"
#include "plimsoll/os/page_cache.h"
#include "plimsoll/os/send_file.h"

namespace plimsoll {
namespace {

class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/plimsoll_storage_XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Storage, ReadsWhatItWroteAndIsShortOnlyAtTheEnd) {
  Scratch scratch;
  SystemStorage storage;
  auto file = *storage.open(scratch / "a", OpenMode::kCreate);
  ASSERT_TRUE(file->write_at(3, std::string_view("abcdef")));
  EXPECT_EQ(*file->size(), 9u);
  std::array<char, 16> bytes{};
  EXPECT_EQ(*file->read_at(5, bytes), 4u);
  EXPECT_EQ(std::string_view(bytes.data(), 4), "cdef");
  EXPECT_EQ(*file->read_at(9, bytes), 0u);
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(*file->size(), 4u);
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(file->start_writing({0, 4}));
  EXPECT_TRUE(file->wait_written({0, 4}));
  EXPECT_TRUE(file->forget({}));
  EXPECT_TRUE(file->fetch_ahead({}));
  EXPECT_TRUE(file->advise(ReadAdvice::kSequential));
  EXPECT_TRUE(file->advise(ReadAdvice::kRandom));
  EXPECT_TRUE(file->advise(ReadAdvice::kNormal));
}

TEST(Storage, SaysWhatIsNotThere) {
  Scratch scratch;
  SystemStorage storage;
  EXPECT_EQ(storage.open(scratch / "a", OpenMode::kRead).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(storage.open(scratch / "a", OpenMode::kWrite).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(storage.list(scratch / "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(storage.remove(scratch / "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(storage.rename(scratch / "a", scratch / "b").error().code, ErrorCode::kNotFound);
}

TEST(Storage, ListsNamesInOrderWithTheirSizes) {
  Scratch scratch;
  SystemStorage storage;
  ASSERT_TRUE(storage.make_directory(scratch / "x/y"));
  ASSERT_TRUE(storage.make_directory(scratch / "x/y"));
  ASSERT_TRUE(storage.write_whole(scratch / "x/b", "12345"));
  ASSERT_TRUE(storage.write_whole(scratch / "x/a", ""));
  const std::vector<DirectoryEntry> entries = *storage.list(scratch / "x");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].size, 5u);
  EXPECT_TRUE(entries[2].directory);
  ASSERT_TRUE(storage.remove_tree(scratch / "x"));
  EXPECT_FALSE(storage.list(scratch / "x"));
}

TEST(Storage, PassesOverALinkToNowhereInAFolder) {
  Scratch scratch;
  SystemStorage storage;
  std::filesystem::create_symlink(scratch / "nowhere", scratch / "link");
  const Result<std::vector<DirectoryEntry>> entries = storage.list(scratch.path());
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_TRUE(entries->empty());
}

TEST(Storage, WritesAWholeFileOrNone) {
  Scratch scratch;
  FaultyStorage storage(1);
  ASSERT_TRUE(storage.write_whole(scratch / "a", "old"));
  const std::uint64_t before = storage.operations();
  ASSERT_TRUE(storage.write_whole(scratch / "a", "new"));
  const std::uint64_t operations = storage.operations() - before;
  for (std::uint64_t nth = 1; nth <= operations; ++nth) {
    ASSERT_TRUE(storage.write_whole(scratch / "a", "old"));
    storage.fail_nth(nth);
    const bool done = storage.write_whole(scratch / "a", "new").has_value();
    storage.crash();
    const std::string found = *storage.read_whole(scratch / "a", 1_KiB);
    EXPECT_TRUE(found == "new" || (!done && found == "old")) << nth << found;
  }
  EXPECT_EQ(storage.read_whole(scratch / "a", 2_B).error().code, ErrorCode::kOutOfRange);
}

TEST(Storage, ADirectoryIsLockedOnce) {
  Scratch scratch;
  Result<DirectoryLock> first = DirectoryLock::take(scratch.path());
  ASSERT_TRUE(first);
  EXPECT_EQ(DirectoryLock::take(scratch.path()).error().code, ErrorCode::kRefused);
  {
    const DirectoryLock gone = *std::move(first);
  }
  EXPECT_TRUE(DirectoryLock::take(scratch.path()));
}

TEST(FaultyStorage, KeepsWhatWasSyncedAndNoMoreThanWasWritten) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Scratch scratch;
    FaultyStorage storage(seed);
    auto file = *storage.open(scratch / "a", OpenMode::kCreate);
    ASSERT_TRUE(storage.sync_directory(scratch.path()));
    ASSERT_TRUE(file->write_at(0, std::string(100, 'x')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(file->write_at(100, std::string(100, 'y')));
    storage.crash();
    EXPECT_FALSE(file->size());
    const std::string found = *storage.read_whole(scratch / "a", 1_KiB);
    EXPECT_LE(found.size(), 200u);
    EXPECT_EQ(found.substr(0, 100), std::string(100, 'x'));
  }
}

TEST(FaultyStorage, LosesNamesThatWereNotSynced) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Scratch scratch;
    FaultyStorage storage(seed);
    static_cast<void>(storage.open(scratch / "a", OpenMode::kCreate));
    storage.crash();
    lost += storage.open(scratch / "a", OpenMode::kRead) ? 0 : 1;
  }
  EXPECT_GT(lost, 10);
  EXPECT_LT(lost, 40);
}

TEST(FaultyStorage, FailsTheNthAndNoOther) {
  Scratch scratch;
  FaultyStorage storage(1);
  auto file = *storage.open(scratch / "a", OpenMode::kCreate);
  storage.fail_nth(2);
  EXPECT_TRUE(file->write_at(0, std::string_view("a")));
  EXPECT_FALSE(file->write_at(1, std::string_view("b")));
  EXPECT_TRUE(file->write_at(1, std::string_view("b")));
  EXPECT_EQ(storage.failed(), 1u);
}

TEST(SendFile, PutsAPartOfAFileIntoASocket) {
  Scratch scratch;
  SystemStorage storage;
  ASSERT_TRUE(storage.write_whole(scratch / "a", "0123456789"));
  auto file = *storage.open(scratch / "a", OpenMode::kRead);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const FileDescriptor left(ends[0]);
  const FileDescriptor right(ends[1]);
  Result<SentFile> sent = send_file(left.number(), *file, {3, 4});
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->size, 4u);
  char bytes[16];
  ASSERT_EQ(::read(right.number(), bytes, sizeof bytes), 4);
  EXPECT_EQ(std::string_view(bytes, 4), "3456");
  EXPECT_EQ(send_file(left.number(), *file, {8, 100})->size, 2u);
}

TEST(SendFile, SaysWhenTheSocketIsFullOrItsReaderGone) {
  Scratch scratch;
  SystemStorage storage;
  ASSERT_TRUE(storage.write_whole(scratch / "a", std::string(1 << 20, 'x')));
  auto file = *storage.open(scratch / "a", OpenMode::kRead);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const FileDescriptor left(ends[0]);
  FileDescriptor right(ends[1]);
  bool full = false;
  for (int i = 0; i < 100 && !full; ++i) full = send_file(left.number(), *file, {0, 1 << 20})->would_block;
  EXPECT_TRUE(full);
  {
    const FileDescriptor gone = std::move(right);
  }
  ::signal(SIGPIPE, SIG_IGN);
  Result<SentFile> sent = send_file(left.number(), *file, {0, 10});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().errno_value, EPIPE);
}

TEST(PageCache, BothWaysSeeWhatWasWrittenAndWhatWasLetGo) {
  Scratch scratch;
  SystemStorage storage;
  auto file = *storage.open(scratch / "a", OpenMode::kCreate);
  ASSERT_TRUE(file->write_at(0, std::string(1 << 20, 'x')));
  for (const CacheProbe probe : {CacheProbe::kCachestat, CacheProbe::kMincore, CacheProbe::kBest}) {
    Result<CacheShare> share = cached_bytes(*file, {}, probe);
    if (!share && probe == CacheProbe::kCachestat) {
      EXPECT_EQ(share.error().code, ErrorCode::kUnsupported);
      continue;
    }
    ASSERT_TRUE(share) << share.error().message();
    EXPECT_EQ(share->size, 1_MiB);
    EXPECT_EQ(share->cached, 1_MiB);
    EXPECT_EQ(cached_bytes(*file, {0, 65536}, probe)->cached, 64_KiB);
    EXPECT_EQ(cached_bytes(*file, {2 << 20, 0}, probe)->size, 0_B);
  }
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->forget({}));
  Result<CacheShare> by_map = cached_bytes(*file, {}, CacheProbe::kMincore);
  Result<CacheShare> by_call = cached_bytes(*file, {}, CacheProbe::kCachestat);
  ASSERT_TRUE(by_map);
  // A file system in memory lets nothing go; both must say the same.
  if (by_call) {
    EXPECT_EQ(by_map->cached, by_call->cached);
  }
}

}  // namespace
}  // namespace plimsoll
