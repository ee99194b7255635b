#include "plimsoll/server/internal/output_fixture.h"

namespace plimsoll {
namespace {

class OutputModelTest : public OutputTest {
 protected:
  void write(Random& random) {
    const std::uint64_t seed = random();
    const std::size_t size = random.below(std::uint64_t{1} << random.below(16));
    switch (random.below(4)) {
      case 0: {
        ExtentRef value = extent(text(seed, size));
        output_->value(PinnedValue(*value));
        expected_ += bulk(value->view());
        break;
      }
      case 1:
        output_->bulk(text(seed, size));
        expected_ += bulk(text(seed, size));
        break;
      default:
        output_->raw(text(seed, size));
        expected_ += text(seed, size);
    }
  }
  void run(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::uint64_t reads_one_in = 2 + random.below(10);
    for (int step = 0; step < 300; ++step) {
      if (random.below(reads_one_in) == 0) {
        got_ += read(random.below(30'000));
      } else if (random.below(4) == 0) {
        output_->flush();
        ASSERT_EQ(buffer_.used, 0u) << "another connection's turn";
      } else {
        write(random);
      }
      ASSERT_EQ(output_->failure(), Output::Failure::kNone);
      ASSERT_EQ(output_->sent() + output_->pending() + buffer_.used, expected_.size()) << "step " << step;
      ASSERT_EQ(output_->held() == 0, output_->pending() == 0) << "step " << step;
      ASSERT_LE(values_.used() - values_.pinned(), 130_KiB)
          << "beside descriptors, a value is held by nothing but its pin";
      if (output_->pending() == 0) {
        ASSERT_EQ(kept(), 0_B) << "step " << step;
      }
    }
    most_held_ = std::max(most_held_, output_->held());
    got_ += read_to_the_end();
    ASSERT_TRUE(same(got_, expected_));
    expect_nothing_held();
    ASSERT_EQ(store_.live(), 0u);
  }

  std::string expected_;
  std::string got_;
  std::size_t most_held_ = 0;
};

TEST_F(OutputModelTest, SendsAllThatIsWrittenInItsOrder) {
  for (std::uint64_t seed = 1; seed <= 30 && !HasFatalFailure(); ++seed) run(seed);
  EXPECT_GT(most_held_, 100'000u) << "some readers must have been slow";
}

}  // namespace
}  // namespace plimsoll
