// Random appends, reads, rolls, retention, deletion, clean and unclean restarts against a vector of batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/commitlog/log_fixture_test.h"
#include "plimsoll/os/faulty_storage.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

struct ModelBatch {
  std::int64_t base;
  std::int64_t last;
  std::int64_t timestamp;
  std::string bytes;
};

class Model {
 public:
  explicit Model(std::uint64_t seed)
      : random_(seed),
        fixture_({.open_files = 8 + random_.below(16),
                  .index_budget = Bytes(4096 * (1 + random_.below(20))),
                  .snapshot_bytes = Bytes(2000 + random_.below(50'000)),
                  .write_behind = 64_KiB,
                  .keep_behind = Bytes(random_.below(300'000)),
                  .storage = &storage_}) {
    TopicConfig config;
    config.segment_bytes = static_cast<std::int64_t>(2000 + random_.below(60'000));
    config.index_interval_bytes = static_cast<std::int64_t>(random_.below(3) * 1000);
    config.retention_ms = 1'000'000'000'000;
    fixture_.create("a", config);
    fixture_.create("b", config);
  }

  void step() {
    switch (random_.below(20)) {
      case 0:
        return restart();
      case 1:
        return delete_some();
      case 2:
        return retain();
      case 3: {
        fixture_.clock().advance(1s * random_.below(100));
        fixture_.store().tick();
        return fixture_.store().CheckInvariants();
      }
      case 4:
        return check_time();
      case 5:
      case 6:
        return check_read();
      case 7:
        return disturb();
      default:
        return append_one();
    }
  }
  void check_all() {
    std::string expected;
    for (const ModelBatch& batch : batches_) {
      if (batch.last >= start_) expected += batch.bytes;
    }
    ASSERT_EQ(log().end_offset(), end_);
    ASSERT_EQ(log().start_offset(), start_);
    ASSERT_EQ(read_all(log(), start_, Bytes(1 + random_.below(100'000))), expected);
  }

 private:
  Partition& log() { return fixture_.store().find("a")->partition(0); }

  void append_one() {
    const bool again = idempotent_ && random_.below(4) == 0 && !sent_.empty();
    if (again) {
      const auto& [bytes, base] = sent_.back();
      const AppendOutcome outcome = append(log(), bytes);
      ASSERT_TRUE(outcome.duplicate);
      ASSERT_EQ(outcome.base_offset, base);
      return;
    }
    idempotent_ = random_.below(2) == 0;
    BatchSpec spec{.count = static_cast<std::int32_t>(1 + random_.below(5)),
                   .value = random_.below(random_.below(10) == 0 ? 30'000 : 300),
                   .timestamp = kNow + static_cast<std::int64_t>(random_.below(1'000'000)),
                   .fill = static_cast<char>('a' + random_.below(26))};
    if (idempotent_) {
      spec.producer = {.id = 9, .epoch = 0, .base_sequence = sequence_};
      sequence_ += spec.count;
    }
    const std::string bytes = batch_of(spec);
    const AppendOutcome outcome = append(log(), bytes);
    ASSERT_EQ(outcome.error, LogError::kNone);
    ASSERT_EQ(outcome.base_offset, end_);
    if (idempotent_) sent_.emplace_back(bytes, end_);
    batches_.push_back({end_, end_ + spec.count - 1, spec.timestamp, with_offset(bytes, end_)});
    end_ += spec.count;
  }
  void restart() {
    const std::uint64_t how = random_.below(3);
    if (how == 0) fixture_.reopen();
    if (how >= 1) {
      if (how == 2) fixture_.set_boot("boot-" + std::to_string(random_()));
      fixture_.kill_and_reopen();
    }
    check_all();
  }
  void delete_some() {
    const auto below =
        start_ + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(end_ - start_) + 1));
    const std::int64_t offset = random_.below(8) == 0 ? end_ : std::min(below, start_ + 20);
    ASSERT_EQ(log().delete_before(offset), LogError::kNone);
    start_ = std::max(start_, offset);
  }
  void retain() {
    TopicConfig config = *fixture_.store().find("a")->config();
    config.retention_bytes = static_cast<std::int64_t>(random_.below(300'000));
    ASSERT_TRUE(fixture_.store().set_config("a", config));
    fixture_.clock().advance(31s);
    fixture_.store().tick();
    const std::int64_t start = log().start_offset();
    ASSERT_GE(start, start_);
    // Whole segments went, and only as many as had to.
    if (start > start_) {
      ASSERT_GE(log().size().signed_count(), config.retention_bytes);
    }
    start_ = start;
    config.retention_bytes = -1;
    ASSERT_TRUE(fixture_.store().set_config("a", config));
  }
  void check_time() {
    const std::int64_t wanted = kNow + static_cast<std::int64_t>(random_.below(1'000'000));
    std::int64_t expected = -1;
    for (const ModelBatch& batch : batches_) {
      const std::int64_t newest = batch.timestamp + batch.last - batch.base;
      if (expected < 0 && batch.last >= start_ && newest >= wanted) {
        expected = std::max(start_, batch.base + std::max<std::int64_t>(0, wanted - batch.timestamp));
      }
    }
    ASSERT_EQ(log().find_time(wanted).offset, expected);
  }
  void check_read() {
    if (start_ == end_) return;
    const auto offset =
        start_ + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(end_ - start_)));
    const Bytes most(1 + random_.below(20'000));
    const std::string got = bytes_of(log().read(offset, most, true).plan);
    const auto at = std::find_if(batches_.begin(), batches_.end(),
                                 [offset](const ModelBatch& batch) { return batch.last >= offset; });
    ASSERT_EQ(got.substr(0, at->bytes.size()), at->bytes);
  }
  // Files and maps go to another partition.
  void disturb() { append(fixture_.store().find("b")->partition(0), batch_of({.value = 3000})); }

  Random random_;
  FaultyStorage storage_{1};  // fails nothing; its syncs cost nothing
  LogFixture fixture_;
  std::vector<ModelBatch> batches_;
  std::vector<std::pair<std::string, std::int64_t>> sent_;
  bool idempotent_ = false;
  std::int32_t sequence_ = 0;
  std::int64_t start_ = 0;
  std::int64_t end_ = 0;
};

TEST(LogModel, AgreesWithAVectorOfBatches) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int i = 0; i < 400 && !::testing::Test::HasFatalFailure(); ++i) model.step();
    if (!::testing::Test::HasFatalFailure()) model.check_all();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace plimsoll
