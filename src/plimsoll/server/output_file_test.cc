#include <cstdlib>
#include <memory>

#include "plimsoll/server/internal/output_fixture.h"

namespace plimsoll {
namespace {

// A file with bytes that tell where they are from.
class FileOutputTest : public OutputTest {
 protected:
  FileOutputTest() {
    char name[] = "/tmp/plimsoll_output_XXXXXX";
    const int made = ::mkstemp(name);
    EXPECT_GE(made, 0);
    ::close(made);
    Result<std::shared_ptr<StoredFile>> opened = storage_.open(name, OpenMode::kWrite);
    EXPECT_TRUE(opened);
    file_ = *opened;
    ::unlink(name);
    for (std::size_t i = 0; i < contents_.size(); ++i) contents_[i] = static_cast<char>(i * 7 + i / 251);
    EXPECT_TRUE(file_->write_at(0, contents_));
  }
  std::string part(std::size_t position, std::size_t size) const { return contents_.substr(position, size); }

  SystemStorage storage_;
  std::shared_ptr<StoredFile> file_;
  std::string contents_ = std::string(300'000, '\0');
};

TEST_F(FileOutputTest, SendsSmallAndLargeRangesInTheirPlace) {
  output_->raw("head ");
  ASSERT_TRUE(output_->file(file_, {10, 200}));  // fits into the buffer
  output_->raw(" between ");
  ASSERT_TRUE(output_->file(file_, {1000, 200'000}));
  output_->raw(" tail");
  ASSERT_TRUE(output_->file(file_, {5, 3}));
  EXPECT_TRUE(same(read_to_the_end(),
                   "head " + part(10, 200) + " between " + part(1000, 200'000) + " tail" + part(5, 3)));
  EXPECT_EQ(output_->pending(), 0u);
  EXPECT_GE(output_->sent_from_files(), 200'000u);
}

TEST_F(FileOutputTest, HoldsNothingButThePlaceForAReaderThatIsSlow) {
  const Bytes before = account_.used();
  ASSERT_TRUE(output_->file(file_, {0, 300'000}));
  EXPECT_GT(output_->pending(), 100'000u);
  EXPECT_EQ(output_->held(), 0u);
  EXPECT_EQ(account_.used(), before);
  EXPECT_TRUE(same(read_to_the_end(), contents_));
}

TEST_F(FileOutputTest, FailsWhereTheFileIsShorterThanWhatWasPromisedOfIt) {
  static_cast<void>(output_->file(file_, {250'000, 100'000}));  // may come to its end at once
  read_to_the_end();
  EXPECT_EQ(output_->failure(), Output::Failure::kFile);
  connect();
  EXPECT_FALSE(output_->file(file_, {299'999, 500}));
  EXPECT_EQ(output_->failure(), Output::Failure::kFile);
}

TEST_F(FileOutputTest, GivesRoomInTheBufferToWriteTo) {
  for (int i = 0; i < 5; ++i) {
    char* to = output_->reserve(300);
    ASSERT_NE(to, nullptr);
    std::fill_n(to, 300, static_cast<char>('a' + i));
    output_->commit(300);
  }
  EXPECT_TRUE(same(read_to_the_end(), std::string(300, 'a') + std::string(300, 'b') + std::string(300, 'c') +
                                          std::string(300, 'd') + std::string(300, 'e')));
  close_reader();
  output_->raw("x");
  output_->flush();
  EXPECT_EQ(output_->reserve(10), nullptr);
}

}  // namespace
}  // namespace plimsoll
