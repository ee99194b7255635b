#include "plimsoll/os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "plimsoll/os/internal/recorded_tree.h"

namespace plimsoll {
namespace {

TEST(KeptFile, ReadsWhatTheFileSaysNow) {
  RecordedTree tree;
  tree.put("/x", "first\n");
  Result<KeptFile> file = KeptFile::open(tree.at("/x"));
  ASSERT_TRUE(file);
  char buffer[16];
  EXPECT_EQ(*file->read_record(buffer), "first\n");
  tree.put("/x", "second\n");
  EXPECT_EQ(*file->read_record(buffer), "second\n");
  EXPECT_EQ(*file->read(buffer), "second\n");
  tree.put("/x", "");
  EXPECT_EQ(*file->read_record(buffer), "");
  EXPECT_EQ(file->path(), tree.at("/x"));
}

TEST(KeptFile, ContentsLargerThanTheBufferAreAnError) {
  RecordedTree tree;
  tree.put("/x", std::string(16, 'x'));
  Result<KeptFile> file = KeptFile::open(tree.at("/x"));
  char buffer[16];
  EXPECT_EQ(file->read_record(buffer).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(file->read(buffer).error().code, ErrorCode::kOutOfRange);
}

TEST(KeptFile, SaysWhyItCannotBeOpenedOrRead) {
  RecordedTree tree;
  EXPECT_EQ(KeptFile::open(tree.at("/none")).error().code, ErrorCode::kNotFound);
  tree.put("/x", "");
  EXPECT_EQ(KeptFile::open(tree.at("/x/y")).error().errno_value, ENOTDIR);
  Result<KeptFile> directory = KeptFile::open(tree.root());
  ASSERT_TRUE(directory);
  char buffer[16];
  EXPECT_EQ(directory->read_record(buffer).error().errno_value, EISDIR);
  EXPECT_EQ(directory->read(buffer).error().errno_value, EISDIR);
  EXPECT_EQ(read_file(tree.root()).error().errno_value, EISDIR);
}

TEST(KeptFile, ReadsAListThatTakesSeveralReads) {
  // The kernel hands out the list of this process's mappings by the page.
  Result<KeptFile> maps = KeptFile::open("/proc/self/maps");
  ASSERT_TRUE(maps);
  std::string buffer(4 << 20, '\0');
  Result<std::string_view> text = maps->read(buffer);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("[stack]"), std::string_view::npos);
}

TEST(KeptFile, IsClosedWithItsOwnerOnly) {
  RecordedTree tree;
  tree.put("/x", "x");
  int number = -1;
  {
    FileDescriptor first(::open(tree.at("/x").c_str(), O_RDONLY));
    number = first.number();
    ASSERT_TRUE(first.open());
    FileDescriptor second = std::move(first);
    FileDescriptor third;
    EXPECT_FALSE(third.open());
    third = std::move(second);
    EXPECT_EQ(third.number(), number);
    EXPECT_GE(::fcntl(number, F_GETFD), 0);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(ReadFile, ReadsFilesOfAnySizeUpToFourMebibytes) {
  RecordedTree tree;
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096},
                           std::size_t{100'000}, (std::size_t{4} << 20) - 1}) {
    std::string text(size, 'a');
    if (size > 0) text.back() = 'z';
    tree.put("/x", text);
    Result<std::string> back = read_file(tree.at("/x"));
    ASSERT_TRUE(back) << size;
    EXPECT_TRUE(*back == text) << size;
  }
  tree.put("/x", std::string((4 << 20) + 1, 'a'));
  EXPECT_EQ(read_file(tree.at("/x")).error().code, ErrorCode::kOutOfRange);
}

TEST(ReadFile, ReadsWhatComesThroughAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor out(ends[0]);
  std::string text(20'000, 'a');
  text.back() = 'z';
  {
    const FileDescriptor in(ends[1]);
    ASSERT_EQ(::write(in.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  const Result<std::string> back = read_file("/dev/fd/" + std::to_string(out.number()));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(*back == text);
}

TEST(WriteFile, PutsTheTextInPlaceOfWhatWasThere) {
  RecordedTree tree;
  tree.put("/x", "something long");
  EXPECT_TRUE(write_file(tree.at("/x"), "12"));
  EXPECT_EQ(tree.get("/x"), "12");
  EXPECT_EQ(write_file(tree.at("/none"), "1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(write_file("/dev/full", "1").error().errno_value, ENOSPC);
}

TEST(FindProgram, LooksWhereAShellDoes) {
  RecordedTree tree;
  tree.put("/a/tool", "text");
  tree.put("/b/tool", "program");
  ::chmod(tree.at("/a/tool").c_str(), 0644);
  ::chmod(tree.at("/b/tool").c_str(), 0755);
  const std::string path = tree.at("/none") + "::" + tree.at("/a") + ":" + tree.at("/b");
  EXPECT_EQ(find_program("tool", path).value_or("none"), tree.at("/b/tool"));
  EXPECT_EQ(find_program(tree.at("/b/tool"), "").value_or("none"), tree.at("/b/tool"));
  EXPECT_EQ(find_program("other", path).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find_program("", path).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find_program(tree.at("/a/tool"), path).error().errno_value, EACCES);
  EXPECT_EQ(find_program(tree.at("/a"), path).error().code, ErrorCode::kNotFound) << "a folder";
}

TEST(AnybodyMayRead, IsWhatTheFilesRightsSay) {
  RecordedTree tree;
  tree.put("/x", "secret");
  ::chmod(tree.at("/x").c_str(), 0640);
  EXPECT_FALSE(anybody_may_read(tree.at("/x")));
  ::chmod(tree.at("/x").c_str(), 0644);
  EXPECT_TRUE(anybody_may_read(tree.at("/x")));
  EXPECT_FALSE(anybody_may_read(tree.at("/none")));
}

TEST(Under, JoinsWithOneSlash) {
  EXPECT_EQ(under("/", "/proc/self"), "/proc/self");
  EXPECT_EQ(under("", "/proc/self"), "/proc/self");
  EXPECT_EQ(under("/tmp/tree", "/proc"), "/tmp/tree/proc");
  EXPECT_EQ(under("/tmp/tree/", "proc"), "/tmp/tree/proc");
}

}  // namespace
}  // namespace plimsoll
