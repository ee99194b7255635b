#include "plimsoll/cache/compressor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/internal/json_like.h"

namespace plimsoll {
namespace {

struct Fixture {
  explicit Fixture(std::size_t contexts = 4)
      : account(line.open({.name = "cold", .kind = AccountKind::kPinned, .guarantee = {}})),
        compressor({.account = account, .contexts = contexts}) {}
  LoadLine line{{.limit = 64_MiB}};
  Account& account;
  Compressor compressor;
};

constexpr Compression kCodecs[] = {Compression::kLz4, Compression::kZstd};

std::string noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random.below(256));
  return bytes;
}

TEST(Compressor, GivesBackWhatItWasGiven) {
  Fixture f;
  Random random(11);
  for (int i = 0; i < 400; ++i) {
    SCOPED_TRACE(i);
    const std::string value = json_like(static_cast<std::uint64_t>(i), 256 + random.below(40'000));
    const Compression with = kCodecs[random.below(2)];
    Compressor::Buffer packed = f.compressor.pack(with, value);
    ASSERT_TRUE(packed);
    ASSERT_LE(packed.view().size(), value.size() - value.size() / 8);
    ASSERT_EQ(Compressor::codec_of(packed.view()), with);
    ASSERT_EQ(Compressor::unpacked_size(packed.view()), value.size());
    Result<Compressor::Buffer> back = f.compressor.unpack(packed.view());
    ASSERT_TRUE(back);
    ASSERT_EQ(back->view(), value);
  }
  EXPECT_EQ(f.compressor.stats().packed, 400);
  EXPECT_EQ(f.compressor.stats().unpacked, 400);
  EXPECT_GT(f.compressor.stats().unpack_microseconds, 0);
}

TEST(Compressor, LeavesAloneWhatDoesNotSaveAnEighth) {
  Fixture f;
  // An eighth and a half repeats, which is more than enough, and a sixteenth, which is not.
  const std::string repeats = noise(3000, 1) + std::string(1000, 'x');
  const std::string hardly = noise(3840, 2) + std::string(256, 'x');
  for (Compression with : kCodecs) {
    EXPECT_TRUE(f.compressor.pack(with, repeats));
    EXPECT_FALSE(f.compressor.pack(with, hardly));
    EXPECT_FALSE(f.compressor.pack(with, noise(1000, 3)));
  }
  EXPECT_EQ(f.compressor.stats().did_not_pay, 4);
  EXPECT_FALSE(f.compressor.pack(Compression::kOff, repeats));
}

TEST(Compressor, TakesValuesOf128BytesTo64KiB) {
  Fixture f;
  for (Compression with : kCodecs) {
    EXPECT_FALSE(f.compressor.pack(with, std::string(Compressor::kSmallest - 1, 'x')));
    EXPECT_TRUE(f.compressor.pack(with, std::string(Compressor::kSmallest, 'x')));
    EXPECT_TRUE(f.compressor.pack(with, std::string(Compressor::kLargest, 'x')));
    EXPECT_FALSE(f.compressor.pack(with, std::string(Compressor::kLargest + 1, 'x')));
  }
  EXPECT_EQ(f.compressor.stats().did_not_pay, 0) << "they are not even tried";
}

TEST(Compressor, SaysSoOfBytesThatWereChangedOrCut) {
  Fixture f;
  for (Compression with : kCodecs) {
    SCOPED_TRACE(name_of(with));
    const std::string packed(f.compressor.pack(with, json_like(5, 2000)).view());
    for (std::size_t size = 0; size < packed.size(); ++size) {
      Result<Compressor::Buffer> cut = f.compressor.unpack(packed.substr(0, size));
      ASSERT_FALSE(cut) << size;
      ASSERT_EQ(cut.error().code, ErrorCode::kInvalid);
    }
    std::string longer = packed;
    longer[0] = static_cast<char>(longer[0] + 1);  // of the length
    EXPECT_FALSE(f.compressor.unpack(longer));
    std::string of_no_codec = packed;
    of_no_codec[3] = static_cast<char>(0xc0);
    EXPECT_FALSE(f.compressor.unpack(of_no_codec));
  }
  EXPECT_FALSE(f.compressor.unpack(std::string(100, '\0')));
  EXPECT_FALSE(f.compressor.unpack(""));
}

TEST(Compressor, ChargesItsContextsAndKeepsNoMoreThanItMay) {
  Fixture f(2);
  const std::string value = json_like(1, 4000);
  EXPECT_EQ(f.account.used(), 0_B);
  {
    const std::string packed(f.compressor.pack(Compression::kZstd, value).view());
    EXPECT_GT(f.account.used(), 50_KiB) << "a context of zstd";
    EXPECT_LT(f.account.used(), 1_MiB);
    std::vector<Compressor::Buffer> all;
    for (int i = 0; i < 5; ++i) all.push_back(std::move(*f.compressor.unpack(packed)));
    for (const Compressor::Buffer& buffer : all) EXPECT_EQ(buffer.view(), value);
    EXPECT_EQ(f.account.used(), f.compressor.stats().contexts);
    EXPECT_FALSE(f.compressor.pack(Compression::kZstd, value)) << "two are in use, and three more";
  }
  EXPECT_EQ(f.account.used(), f.compressor.stats().contexts);
  EXPECT_LT(f.account.used(), 1200_KiB) << "of two";
  EXPECT_TRUE(f.compressor.pack(Compression::kZstd, value));
}

TEST(Compressor, CodecsHaveNames) {
  for (Compression with : kCompressions) EXPECT_EQ(compression_named(name_of(with)), with);
  EXPECT_EQ(compression_named("gzip"), std::nullopt);
}

}  // namespace
}  // namespace plimsoll
