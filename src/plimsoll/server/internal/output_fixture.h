// What the tests of Output stand on: an output and its reader, at the ends of a socket that takes a few KiB.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/pages.h"
#include "plimsoll/server/output.h"

namespace plimsoll {

inline constexpr std::size_t kBuffer = 1000;  // the loop's; small, so that it is full often

// Says where they differ and not how: gtest would print and align all of it.
inline ::testing::AssertionResult same(std::string_view got, std::string_view expected) {
  if (got == expected) return ::testing::AssertionSuccess();
  const auto differ = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first;
  return ::testing::AssertionFailure() << got.size() << " bytes of " << expected.size() << ", different from "
                                       << differ - got.begin() << " on";
}

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() { connect(); }
  ~OutputTest() override {
    close_reader();
    ::close(socket_);
  }
  void connect() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    socket_ = ends[0];
    reader_ = ends[1];
    const int size = 4096;
    ASSERT_EQ(::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    output_.emplace(socket_, buffer_, buffers_, account_, cache_);
  }
  void close_reader() {
    if (reader_ >= 0) ::close(std::exchange(reader_, -1));
  }

  // What the reader takes now, at most `most` bytes of it.
  std::string read(std::size_t most) {
    std::string bytes(most, '\0');
    const ssize_t got = ::recv(reader_, bytes.data(), most, MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  std::string read_all_there_is() {
    std::string all;
    for (std::string some = read(65'536); !some.empty(); some = read(65'536)) all += some;
    return all;
  }
  // Reads to the end, the output sending on whenever there is room.
  std::string read_to_the_end() {
    std::string all;
    while (true) {
      output_->flush();
      std::string some = read_all_there_is();
      if (some.empty()) return all;
      all += some;
    }
  }
  // Until the socket takes no more.
  std::string fill_socket() {
    std::string sent;
    while (output_->pending() == 0 && output_->failure() == Output::Failure::kNone) {
      sent += std::string(500, 'f');
      output_->raw(std::string(500, 'f'));
      output_->flush();
    }
    return sent;
  }
  ExtentRef extent(std::string_view content) {
    Result<ExtentRef> extent = store_.open(content.size(), values_);
    EXPECT_TRUE(extent);
    EXPECT_TRUE((*extent)->reserve(content.size()));
    (*extent)->set_size(content.size());
    std::copy(content.begin(), content.end(), (*extent)->data());
    return std::move(*extent);
  }
  static std::string bulk(std::string_view content) {
    return "$" + std::to_string(content.size()) + "\r\n" + std::string(content) + "\r\n";
  }
  static std::string text(std::uint64_t seed, std::size_t size) {
    Random random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
  void expect_nothing_held() {
    EXPECT_EQ(output_->pending(), 0u);
    EXPECT_EQ(output_->held(), 0u);
    EXPECT_EQ(buffer_.used, 0u);
    EXPECT_EQ(kept(), 0_B);
    EXPECT_EQ(values_.pinned(), 0_B);
  }
  // In buffers of the pool.
  Bytes kept() const {
    Bytes sum;
    for (const BufferPool::BucketStats& b : buffers_.stats().buckets)
      sum += b.size * (b.created + b.reused - b.returned);
    return sum;
  }
  std::uint64_t buffers_made() const {
    std::uint64_t sum = 0;
    for (const BufferPool::BucketStats& b : buffers_.stats().buckets) sum += b.created;
    return sum;
  }

  SystemPages pages_;
  LoadLine line_{{.limit = 64_MiB}};
  Account& account_ = line_.open({.name = "output"});
  Account& values_ = line_.open({.name = "cache", .kind = AccountKind::kDroppable});
  Account& idle_ = line_.open({.name = "idle", .kind = AccountKind::kDroppable});
  SlabAllocator slabs_{{.account = account_, .idle = idle_, .pages = pages_, .line = line_.line()}};
  BufferPool buffers_{{.slabs = slabs_, .pages = pages_, .account = account_, .idle = idle_}};
  ByteCache cache_{
      {.account = values_, .pages = pages_, .line = line_.line(), .address_space = 64_MiB, .shards = 4}};
  ExtentStore& store_ = cache_.extents();
  WriteBuffer buffer_{kBuffer};
  int socket_ = -1;
  int reader_ = -1;
  std::optional<Output> output_;
};

}  // namespace plimsoll
