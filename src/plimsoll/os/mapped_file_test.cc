#include "plimsoll/os/mapped_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace plimsoll {
namespace {

class MappedFileTest : public ::testing::Test {
 protected:
  MappedFileTest() {
    char name[] = "/tmp/plimsoll_mapped_XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/file";
  }
  ~MappedFileTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  std::string path_;
};

TEST_F(MappedFileTest, KeepsWhatIsStoredWhileItGrowsAndIsTrimmed) {
  {
    MappedFile file = *MappedFile::create(path_, 4_KiB);
    std::memset(file.writable_bytes().data(), 'a', 4096);
    ASSERT_TRUE(file.grow(12_KiB));
    EXPECT_EQ(file.size(), 12_KiB);
    EXPECT_EQ(std::filesystem::file_size(path_), 12288u);
    EXPECT_EQ(file.bytes()[4095], std::byte{'a'});
    EXPECT_EQ(file.bytes()[4096], std::byte{0});
    file.writable_bytes()[5000] = std::byte{'b'};
    ASSERT_TRUE(file.trim(5001_B));
    EXPECT_EQ(std::filesystem::file_size(path_), 5001u);
    EXPECT_TRUE(file.flush());
    EXPECT_EQ(file.mapped(), 8_KiB);
  }
  MappedFile again = *MappedFile::open(path_, MappedFile::Access::kRead);
  EXPECT_EQ(again.size(), 5001_B);
  EXPECT_EQ(again.bytes()[5000], std::byte{'b'});
  EXPECT_FALSE(again.writable());
}

TEST_F(MappedFileTest, AnEmptyFileHasNoMap) {
  MappedFile file = *MappedFile::create(path_, 0_B);
  EXPECT_TRUE(file.bytes().empty());
  EXPECT_TRUE(file.flush());
  EXPECT_TRUE(file.advise(MapAdvice::kWillNeed));
  EXPECT_TRUE(file.lock());
  ASSERT_TRUE(file.grow(4_KiB));
  ASSERT_TRUE(file.trim(0_B));
  EXPECT_EQ(std::filesystem::file_size(path_), 0u);
  EXPECT_EQ(MappedFile::open(directory_ + "/none", MappedFile::Access::kRead).error().code,
            ErrorCode::kNotFound);
}

TEST_F(MappedFileTest, TakesAdviceOrSaysThatItIsRefused) {
  MappedFile file = *MappedFile::create(path_, 64_KiB);
  file.writable_bytes()[0] = std::byte{'a'};
  for (const MapAdvice advice :
       {MapAdvice::kSequential, MapAdvice::kRandom, MapAdvice::kNormal, MapAdvice::kWillNeed}) {
    EXPECT_TRUE(file.advise(advice));
    EXPECT_TRUE(file.advise(advice, {4_KiB, 8_KiB}));
  }
  EXPECT_TRUE(file.advise(MapAdvice::kDontNeed));
  EXPECT_EQ(file.bytes()[0], std::byte{'a'});
  // What depends on kernel and file system: done, or reported.
  for (const MapAdvice advice : {MapAdvice::kFree, MapAdvice::kRemove, MapAdvice::kHugePage,
                                 MapAdvice::kNoHugePage, MapAdvice::kMergeable, MapAdvice::kUnmergeable}) {
    Result<void> done = file.advise(advice, {8_KiB, 4_KiB});
    if (!done) {
      EXPECT_EQ(done.error().code, ErrorCode::kUnsupported) << done.error().message();
    }
    RecordProperty("advice_" + std::to_string(static_cast<int>(advice)),
                   done ? "taken" : done.error().message());
  }
  // No kernel frees a file's pages lazily.
  EXPECT_FALSE(file.advise(MapAdvice::kFree));
}

TEST_F(MappedFileTest, ARemovedPartReadsAsZero) {
  MappedFile file = *MappedFile::create(path_, 64_KiB);
  std::memset(file.writable_bytes().data(), 'a', 65536);
  Result<void> done = file.advise(MapAdvice::kRemove, {8_KiB, 4_KiB});
  if (!done) GTEST_SKIP() << done.error().message();
  EXPECT_EQ(file.bytes()[8191], std::byte{'a'});
  EXPECT_EQ(file.bytes()[8192], std::byte{0});
  EXPECT_EQ(file.bytes()[12288], std::byte{'a'});
}

TEST_F(MappedFileTest, IsLockedAsFarAsTheSystemAllows) {
  MappedFile file = *MappedFile::create(path_, 64_KiB);
  Result<void> done = file.lock({0_B, 4_KiB});
  if (!done) GTEST_SKIP() << done.error().message();
  EXPECT_TRUE(file.unlock({0_B, 4_KiB}));
  EXPECT_TRUE(file.lock());
  EXPECT_TRUE(file.unlock());
}

TEST_F(MappedFileTest, StaysAsItWasWhereItCannotGrow) {
  MappedFile file = *MappedFile::create(path_, 4_KiB);
  file.writable_bytes()[7] = std::byte{'a'};
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 8192;
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Result<void> done = file.grow(64_KiB);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().errno_value, EFBIG);
  EXPECT_EQ(file.size(), 4_KiB);
  EXPECT_EQ(std::filesystem::file_size(path_), 4096u);
  EXPECT_EQ(file.bytes()[7], std::byte{'a'});
}

}  // namespace
}  // namespace plimsoll
