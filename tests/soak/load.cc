#include "load.h"

#include <cmath>
#include <cstring>

namespace plimsoll {
namespace {

constexpr SoakSizes kSizes[] = {{"50-150 B", 50, 150},
                                {"50 B-2 KiB", 50, 2048},
                                {"50 B-16 KiB", 50, 16 * 1024},
                                {"8-100 KiB", 8 * 1024, 100 * 1024}};
constexpr SoakTimes kTimes[] = {{"no time to live", 0, 0, 0},
                                {"half for 1-4 s", 50, 1000, 4000},
                                {"all for 20-60 s", 100, 20'000, 60'000}};
constexpr const char* kPatterns[] = {"zipf", "scan", "loop", "uniform"};
constexpr std::size_t kRepeated = 64;  // bytes of a value that repeats itself
constexpr std::size_t kHandles = 16;   // that a thread keeps while it goes on
constexpr double kSkew = 0.9;

std::uint64_t mixed(std::uint64_t key, std::uint64_t salt) {
  std::uint64_t state = key ^ salt << 40;
  return Random::split_mix(state);
}

// The key's size in the phase: what an earlier phase stored under it is overwritten with another.
std::size_t size_of(const SoakPhase& phase, std::uint64_t key) {
  return phase.sizes.least + mixed(key, phase.number) % (phase.sizes.most - phase.sizes.least + 1);
}

std::uint64_t mean_of(const SoakSizes& sizes) { return (sizes.least + sizes.most) / 2; }

SoakObject object_of(std::uint64_t key, std::size_t size) {
  SoakObject object{.key = key, .words = std::vector<std::uint64_t>(size / sizeof(std::uint64_t))};
  for (std::size_t i = 0; i < object.words.size(); ++i) object.words[i] = key ^ i;
  return object;
}

bool is_right(const SoakObject& object, std::uint64_t key) {
  if (object.key != key) return false;
  for (std::size_t i = 0; i < object.words.size(); ++i) {
    if (object.words[i] != (key ^ i)) return false;
  }
  return true;
}

std::string_view bytes_of(const std::uint64_t& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

// Until all that `begin` adds to it has finished.
template <typename Begin>
void wait_for(const Begin& begin) {
  struct State {
    Mutex mutex;
    CondVar ended;
    bool done PLIMSOLL_GUARDED_BY(mutex) = false;
  };
  const auto state = std::make_shared<State>();
  const auto wait = std::make_shared<LevelWait>([state] {
    MutexLock lock(state->mutex);
    state->done = true;
    state->ended.notify_all();
  });
  begin(wait);
  wait->finish();
  MutexLock lock(state->mutex);
  while (!state->done) state->ended.wait(state->mutex);
}

}  // namespace

std::string SoakPhase::name() const {
  return std::string(kPatterns[static_cast<std::size_t>(pattern)]) + ", " + sizes.name + ", " + times.name;
}

// Four, four and three: with sizes that are shifted every fourth phase, and times by threes, all 48 come.
SoakPhase soak_phase(unsigned number) {
  return {.number = number,
          .pattern = static_cast<SoakPattern>(number % 4),
          .sizes = kSizes[(number + number / 4) % 4],
          .times = kTimes[number % 3]};
}

struct SoakLoad::Thread {
  explicit Thread(std::uint64_t seed) : random(seed) {}

  Random random;
  SoakPhase phase{};
  std::uint64_t step = 0;  // of scans and loops
  std::array<char, ByteCache::kLargeValue> space;
  std::string text;
  std::array<SoakObjects::Handle, kHandles> handles;
  std::array<std::uint64_t, kHandles> handle_keys{};
  std::array<PinnedValue, kHandles> pins;
  std::array<std::uint64_t, kHandles> pin_keys{};
};

SoakLoad::SoakLoad(const Options& options) : options_(options) {
  for (unsigned i = 0; i < options_.threads; ++i) threads_.emplace_back(&SoakLoad::run, this, i);
}

SoakLoad::~SoakLoad() { stop(); }

void SoakLoad::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

SoakLoad::Counts SoakLoad::counts() const {
  auto of = [this](Counter counter) { return counters_[counter].load(std::memory_order_relaxed); };
  return {of(kReads), of(kHits),         of(kWrites),        of(kErased),
          of(kWrong), of(kBytesRefused), of(kObjectsRefused)};
}

void SoakLoad::run(unsigned number) {
  Thread self(options_.seed * 1000 + number);
  self.step = std::uint64_t{number} << 32;
  while (!stopping_.load(std::memory_order_relaxed)) {
    self.phase = soak_phase(phase_.load(std::memory_order_relaxed));
    for (int i = 0; i < 64; ++i) {
      if (self.random.below(8) == 0) {
        ask_objects(self);
      } else {
        ask_bytes(self);
      }
    }
    check_held(self);
  }
}

// `keys` is how many the cache holds, about. Phases ask for keys that overlap.
std::uint64_t SoakLoad::draw(Thread& self, std::uint64_t keys) {
  const std::uint64_t shift = self.phase.number % 8 * keys / 4;
  switch (self.phase.pattern) {
    case SoakPattern::kZipf: {  // the continuous law, over four times what fits
      const double most = 4 * static_cast<double>(keys);
      const double end = std::pow(most, 1 - kSkew);
      return shift +
             static_cast<std::uint64_t>(std::pow(self.random.unit() * (end - 1) + 1, 1 / (1 - kSkew)));
    }
    case SoakPattern::kScan:
      return (std::uint64_t{1} << 48) + self.step++;
    case SoakPattern::kLoop:
      return shift + self.step++ % (keys + keys / 4);
    case SoakPattern::kUniform:
      return shift + self.random.below(keys * 2);
  }
  return 0;
}

std::string_view SoakLoad::value_of(Thread& self, const SoakCache& asked, std::uint64_t key,
                                    std::size_t size) const {
  const auto version = static_cast<std::uint32_t>(size);
  if (!asked.text) return values_.value(key, version, size);
  const std::string_view repeated = values_.value(key, version, kRepeated);
  self.text.clear();
  while (self.text.size() < size) self.text += repeated.substr(0, size - self.text.size());
  return self.text;
}

bool SoakLoad::right(const SoakCache& asked, std::uint64_t key, std::string_view value) const {
  const auto version = static_cast<std::uint32_t>(value.size());
  if (!asked.text) return value == values_.value(key, version, value.size());
  const std::string_view repeated = values_.value(key, version, kRepeated);
  for (; value.size() > kRepeated; value.remove_prefix(kRepeated)) {
    if (!value.starts_with(repeated)) return false;
  }
  return repeated.starts_with(value);
}

// As a server does it: what may be below is awaited, and so is what a write erases there.
void SoakLoad::ask_bytes(Thread& self) {
  const SoakCache& asked = options_.caches[self.random.below(options_.caches.size())];
  const std::uint64_t key = draw(self, asked.budget.count() / (mean_of(self.phase.sizes) + 40) + 1);
  const std::int64_t now_ms = clock_.wall_ms();
  if (asked.level != nullptr && asked.cache.may_be_below(bytes_of(key), now_ms)) {
    wait_for([&](const std::shared_ptr<LevelWait>& wait) {
      asked.level->fetch(bytes_of(key), asked.cache.hash_of(bytes_of(key)), wait);
    });
  }
  ask_bytes(self, asked, key, now_ms);
  if (asked.level == nullptr) return;
  const LowerLevel::Barrier barrier = LowerLevel::take_barrier();
  if (asked.level->reached(barrier)) return;
  wait_for([&](const std::shared_ptr<LevelWait>& wait) { asked.level->wait_for(barrier, wait); });
}

void SoakLoad::ask_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms) {
  const std::uint64_t what = self.random.below(100);
  if (what < 4) return write_bytes(self, asked, key, now_ms);
  if (what > 4) return read_bytes(self, asked, key, now_ms);
  ByteCache::Slot slot = asked.cache.lock(bytes_of(key), now_ms);
  if (!slot.exists()) return;
  slot.erase();
  count(kErased);
}

void SoakLoad::read_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms) {
  count(kReads);
  ByteCache::Reading found = asked.cache.read(bytes_of(key), now_ms, self.space);
  if (!found.exists) return write_bytes(self, asked, key, now_ms);
  count(kHits);
  const std::string_view value = found.pinned     ? found.pinned.view()
                                 : found.unpacked ? found.unpacked.view()
                                                  : std::string_view(self.space.data(), found.size);
  if (!right(asked, key, value)) count(kWrong);
  if (!found.pinned || asked.text || self.random.below(20) != 0) return;
  const std::size_t place = self.random.below(kHandles);
  self.pins[place] = std::move(found.pinned);
  self.pin_keys[place] = key;
}

void SoakLoad::write_bytes(Thread& self, const SoakCache& asked, std::uint64_t key, std::int64_t now_ms) {
  ByteCache::Slot slot = asked.cache.lock(bytes_of(key), now_ms);
  // What is written over is as often of a size that the phase does not have for the key.
  const std::size_t size = size_of(self.phase, slot.exists() ? key + self.random.below(2) : key);
  const SoakTimes& times = self.phase.times;
  std::int64_t expires = ByteCache::kNever;
  if (self.random.below(100) < times.share) {
    expires = now_ms + times.least_ms +
              static_cast<std::int64_t>(
                  self.random.below(static_cast<std::uint64_t>(times.most_ms - times.least_ms)));
  }
  count(kWrites);
  const WriteStatus written = slot.put(value_of(self, asked, key, size), expires);
  if (written != WriteStatus::kDone) count(kBytesRefused);
}

void SoakLoad::ask_objects(Thread& self) {
  const std::uint64_t key =
      draw(self, options_.objects_budget.count() / (mean_of(self.phase.sizes) + 150) + 1);
  const std::size_t size = size_of(self.phase, key);
  const std::uint64_t what = self.random.below(100);
  if (what < 3) {
    count(kWrites);
    const std::chrono::milliseconds life(
        self.random.below(100) < self.phase.times.share ? self.phase.times.least_ms : 0);
    if (options_.objects.put(key, object_of(key, size), life) != WriteStatus::kDone) count(kObjectsRefused);
    return;
  }
  if (what < 4) {
    if (options_.objects.erase(key)) count(kErased);
    return;
  }
  bool loaded = false;
  count(kReads);
  Result<SoakObjects::Handle> found = options_.objects.get_or_load(key, [&](std::uint64_t asked) {
    loaded = true;
    return object_of(asked, size);
  });
  if (!loaded) count(kHits);
  if (!found || !is_right(**found, key)) return count(kWrong);
  if (what < 10) {
    const std::size_t place = self.random.below(kHandles);
    self.handles[place] = *std::move(found);
    self.handle_keys[place] = key;
  }
}

// What is held stays as it was, wherever the cache's own hold on it went; and is let go of in turn.
void SoakLoad::check_held(Thread& self) {
  const std::size_t place = self.random.below(kHandles);
  if (self.handles[place] && !is_right(*self.handles[place], self.handle_keys[place])) count(kWrong);
  self.handles[place] = {};
  if (self.pins[place]) {
    const std::string_view pinned = self.pins[place].view();
    const auto size = static_cast<std::uint32_t>(pinned.size());
    if (pinned != values_.value(self.pin_keys[place], size, size)) count(kWrong);
  }
  self.pins[place] = {};
}

}  // namespace plimsoll
