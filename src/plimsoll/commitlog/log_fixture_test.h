// What the tests of the log share: a store in a directory of its own under a line, batches, and what is read
// back.
//
// Thread-safety: one thread. Cost: a directory a fixture. Limits: none. Errors: a check that fails ends the
// test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/commitlog/batch_builder.h"
#include "plimsoll/commitlog/log_store.h"

namespace plimsoll {

inline constexpr std::int64_t kNow = 1'700'000'000'000;

struct BatchSpec {
  std::int32_t count = 1;
  std::size_t value = 20;
  std::int64_t timestamp = kNow;  // of the first record; the others follow at a millisecond
  BatchBuilder::Producer producer{};
  char fill = 'v';
};

inline std::string batch_of(const BatchSpec& spec) {
  std::string bytes(BatchHeader::kSize + static_cast<std::size_t>(spec.count) * (spec.value + 40), '\0');
  BatchBuilder builder(bytes);
  const std::string value(spec.value, spec.fill);
  for (std::int32_t i = 0; i < spec.count; ++i) {
    PLIMSOLL_CHECK(
        builder.add({.timestamp = spec.timestamp + i, .key = "key", .value = value, .headers = {}}));
  }
  bytes.resize(builder.finish(spec.producer).size());
  return bytes;
}
inline std::string batch_of(std::int32_t count) { return batch_of(BatchSpec{.count = count}); }

inline std::string with_offset(std::string batch, std::int64_t offset) {
  set_base_offset(batch, offset);
  return batch;
}

inline AppendOutcome append(Partition& log, std::string batch, std::int64_t now = kNow) {
  return log.append(batch, now);
}

inline std::string bytes_of(const SendPlan& plan) {
  if (!plan.file) return {};
  std::string bytes(plan.size.count(), '\0');
  Result<std::size_t> got = plan.file->read_at(plan.position, bytes);
  PLIMSOLL_CHECK(got && *got == bytes.size(), "a plan names what is not there");
  return bytes;
}

// What a reader gets who begins at `offset` and goes on to the end.
inline std::string read_all(Partition& log, std::int64_t offset, Bytes most = 1_MiB) {
  std::string all;
  for (const std::int64_t end = log.end_offset(); offset < end;) {
    const ReadOutcome outcome = log.read(offset, most, true);
    PLIMSOLL_CHECK(outcome.error == LogError::kNone, "offset %lld", static_cast<long long>(offset));
    const std::string bytes = bytes_of(outcome.plan);
    std::size_t at = 0;
    while (auto header = read_batch_header(std::span(bytes).subspan(at))) {
      if (at + header->size() > bytes.size()) break;
      offset = header->last_offset() + 1;
      at += header->size();
      if (at == bytes.size()) break;
    }
    PLIMSOLL_CHECK(at != 0, "a reader that gets on nowhere");
    all += bytes.substr(0, at);
  }
  return all;
}

class LogFixture {
 public:
  struct Settings {
    LogStore::Sync sync = LogStore::Sync::kNever;
    std::size_t open_files = 64;
    Bytes index_budget = 1_MiB;
    Bytes snapshot_bytes = 64_MiB;
    Bytes write_behind = 1_MiB;
    Bytes keep_behind = 8_MiB;
    std::size_t producers = 10'000;
    Storage* storage = nullptr;
  };

  LogFixture() : LogFixture(Settings{}) {}
  explicit LogFixture(const Settings& settings) : settings_(settings) {
    char name[] = "/tmp/plimsoll_log_XXXXXX";
    PLIMSOLL_CHECK(::mkdtemp(name) != nullptr);
    root_ = name;
    set_boot("boot-1");
    open();
  }
  ~LogFixture() {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  std::string directory() const { return root_ + "/log"; }
  LogStore& store() { return *store_; }
  ManualClock& clock() { return clock_; }
  Account& state() { return state_; }
  Account& indexes() { return indexes_; }

  LogStore::Options options() {
    return {.storage = settings_.storage != nullptr ? *settings_.storage : system_,
            .directory = directory(),
            .state = state_,
            .indexes = indexes_,
            .page_cache = page_cache_,
            .clock = clock_,
            .sync = settings_.sync,
            .index_budget = settings_.index_budget,
            .open_files = settings_.open_files,
            .write_behind = settings_.write_behind,
            .keep_behind = settings_.keep_behind,
            .snapshot_bytes = settings_.snapshot_bytes,
            .producers = settings_.producers,
            .boot_id_path = root_ + "/boot_id"};
  }
  std::shared_ptr<Topic> create(const std::string& name, const TopicConfig& config = {}) {
    Result<std::shared_ptr<Topic>> topic = store_->create(name, 1, config);
    PLIMSOLL_CHECK(topic.has_value(), "%s", topic.error().what);
    return *std::move(topic);
  }

  // All that the line has left.
  Charge fill_line() { return state_.charge_held(line_.free()); }

  void set_boot(const std::string& id) {
    SystemStorage storage;
    PLIMSOLL_CHECK(storage.write_whole(root_ + "/boot_id", id + "\n").has_value());
  }
  void close() { store_.reset(); }
  void open() {
    Result<std::unique_ptr<LogStore>> store = LogStore::open(options());
    PLIMSOLL_CHECK(store.has_value(), "%s", store.error().what);
    store_ = *std::move(store);
  }
  void reopen() {
    close();
    open();
  }
  // As after kill -9: what the files are at this moment, with nothing of a clean end.
  void kill_and_reopen() {
    std::filesystem::copy(directory(), root_ + "/killed", std::filesystem::copy_options::recursive);
    close();
    std::filesystem::remove_all(directory());
    std::filesystem::rename(root_ + "/killed", directory());
    open();
  }

 private:
  const Settings settings_;
  std::string root_;
  SystemStorage system_;
  ManualClock clock_{kNow};
  LoadLine line_{{.limit = 64_MiB}};
  Account& state_ = line_.open({.name = "log_state", .maximum = 5_MiB});
  Account& indexes_ = line_.open({.name = "log_indexes"});
  Account& page_cache_ = line_.open({.name = "log_page_cache", .guarantee = 8_MiB});
  std::unique_ptr<LogStore> store_;
};

}  // namespace plimsoll
