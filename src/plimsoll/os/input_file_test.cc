#include "plimsoll/os/input_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace plimsoll {
namespace {

TEST(InputFile, ReadsAFileToItsEndInPieces) {
  std::string path = testing::TempDir() + "input_file_XXXXXX";
  const int made = ::mkstemp(path.data());
  ASSERT_GE(made, 0);
  ASSERT_EQ(::write(made, "abcdefghij", 10), 10);
  ::close(made);
  Result<InputFile> file = InputFile::open(path);
  ASSERT_TRUE(file);
  std::string all;
  std::array<char, 4> buffer{};
  while (true) {
    Result<std::size_t> got = file->read(buffer);
    ASSERT_TRUE(got);
    if (*got == 0) break;
    all.append(buffer.data(), *got);
  }
  EXPECT_EQ(all, "abcdefghij");
  EXPECT_EQ(file->size(), 10u);
  ::unlink(path.c_str());
}

TEST(InputFile, DoesNotKnowHowMuchComesThroughAPipe) {
  EXPECT_EQ(InputFile::open("/dev/null")->size(), std::nullopt);
}

TEST(InputFile, SaysWhyItCannotBeRead) {
  EXPECT_EQ(InputFile::open("/nowhere/at/all").error().code, ErrorCode::kNotFound);
  Result<InputFile> directory = InputFile::open("/");
  std::array<char, 4> buffer{};
  ASSERT_TRUE(directory) << "it opens, and cannot be read";
  EXPECT_EQ(directory->read(buffer).error().code, ErrorCode::kSystem);
}

}  // namespace
}  // namespace plimsoll
