// Two levels of a cache: what memory gives up goes down to a store of one's own, and comes back up when it is
// asked for. (A disk is the same with open_level_module("plimsoll_rocksdb"), see cache/level_module.h.)
//
//   cmake --build --preset release --target example_two_levels && build/release/example_two_levels
#include <cstdio>
#include <latch>
#include <map>
#include <string>
#include <thread>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/byte_cache.h"
#include "plimsoll/cache/lower_level.h"
#include "plimsoll/os/pages.h"

using namespace plimsoll;

namespace {

// The store below: whatever keeps keys by generation. This one is a map, and survives nothing.
class Hold final : public CacheLevel {
 public:
  std::vector<std::uint32_t> generations() override { return {}; }
  Outcome begin(std::uint32_t) override { return Outcome::kDone; }
  Outcome drop_before(std::uint32_t generation) override {
    const MutexLock lock(mutex_);
    std::erase_if(kept_, [=](const auto& entry) { return entry.first.first < generation; });
    return Outcome::kDone;
  }
  Outcome write(std::span<const Write> writes) override {
    const MutexLock lock(mutex_);
    for (const Write& write : writes) {
      if (write.put)
        kept_[{write.generation, std::string(write.key)}] = write.value;
      else
        kept_.erase({write.generation, std::string(write.key)});
    }
    return Outcome::kDone;
  }
  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override {
    const MutexLock lock(mutex_);
    const auto found = kept_.find({generation, std::string(key)});
    if (found == kept_.end()) return Outcome::kAbsent;
    value = found->second;
    return Outcome::kDone;
  }
  Outcome each_key(std::uint32_t, std::string_view, const std::function<bool(std::string_view)>&) override {
    return Outcome::kDone;
  }
  void distrust() override {}
  Outcome restart() override { return drop_before(~0U); }
  Figures figures() override { return {}; }
  std::string words() override { return {}; }

 private:
  Mutex mutex_;
  std::map<std::pair<std::uint32_t, std::string>, std::string> kept_;
};

}  // namespace

int main() {
  const SystemClock clock;
  SystemPages pages;
  LoadLine line({.limit = 64_MiB, .worst_overshoot = {}});
  Account& account = line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}});
  ByteCache cache(
      {.account = account, .pages = pages, .line = line.line(), .address_space = {}, .max_bytes = 4_MiB});
  auto level = LowerLevel::open(cache, {.name = "hold",
                                        .level = std::make_unique<Hold>(),
                                        .account = line.open({.name = "hold", .guarantee = {}}),
                                        .clock = clock,
                                        .size = 64_MiB,
                                        .queue = 16_MiB});
  if (!level) return 1;
  cache.set_lower_level(level->get());
  if (!(*level)->start()) return 1;
  while ((*level)->stats().state != LowerLevel::State::kOpen) std::this_thread::yield();

  for (int i = 0; i < 10'000; ++i) {
    const std::string crate = "crate:" + std::to_string(i);
    if (cache.lock(crate, 0).put(std::string(1000, 'x')) != WriteStatus::kDone) return 1;
  }
  const char* key = "crate:0";
  std::printf("%s: in memory %d, perhaps below %d\n", key, cache.holds(key, 0), cache.may_be_below(key, 0));
  std::latch done(1);  // a server goes on with others meanwhile
  const auto wait = std::make_shared<LevelWait>([&] { done.count_down(); });
  (*level)->fetch(key, cache.hash_of(key), wait);
  wait->finish();  // all that is waited for was asked for
  done.wait();
  std::printf("%s: in memory %d, perhaps below %d\n", key, cache.holds(key, 0), cache.may_be_below(key, 0));
  const LowerLevel::Stats stats = (*level)->stats();
  std::printf("more than half went down: %d; came back: %llu\n", stats.demoted > 5000,
              static_cast<unsigned long long>(stats.promoted));
  (*level)->stop();
  cache.set_lower_level(nullptr);
}
