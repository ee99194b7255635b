// plimsoll_soak: the caches under a load that keeps changing, at their budget all the time.
//
//   plimsoll_soak [--seconds 600] [--budget 256MiB] [--threads 2] [--phase 5] [--seed 1] [--verbose]
//
// A byte cache has half of the budget, a cache of objects a quarter, and an eighth each a byte cache that
// packs what it would evict and one with a level below it, in temporary files of twice its size (as one
// account, the three byte caches). Every phase changes what is asked for, the sizes and the times to live
// (load.h); in the middle of it all caches change their policy, and every third gives a sixteenth of its
// budget back, as the governor would ask. Each second is judged: what is charged within 2 % of the budget
// (but for two seconds after something was given back, in which it fills again), and resident memory within
// 2 % of what is charged and the fixed part. What expired has half a second to be replaced, as other programs
// may have the processors just then. One second in a hundred may be up to 4 % below. Every value is checked.
// Under a sanitizer any second may be up to 10 % below: it is for races and memory faults.
//
// The fixed part is what is not the caches': threads, the pattern that values come from, where the files have
// which key (it says how much that is), and what malloc keeps free between the objects, which are on its
// heap; it says how much that is, after it was asked to give it back. A sanitizer's own memory is resident
// too: there only charges are judged.
//
// Exit: 0 as it should be, 1 not, 2 wrong usage.
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "file_level.h"
#include "load.h"
#include "plimsoll/base/sanitized.h"
#include "plimsoll/base/text.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/os/process.h"

namespace plimsoll {
namespace {

using namespace std::chrono_literals;

constexpr double kWithin = 0.02;
// A sanitizer makes the writes that fill a cache again ten times slower than what empties it (a phase's end,
// items that expire together), so there only what is above the budget is judged as closely.
constexpr double kFull = kSanitized ? 0.90 : 1 - kWithin;
constexpr double kLeastUsed = kSanitized ? kFull : 1 - 2 * kWithin;
constexpr Bytes kFixed = 4_MiB;  // stacks, page tables' rounding, what the program itself allocates
constexpr auto kRefill = 2s;

struct SoakArguments {
  std::chrono::seconds duration{600};
  std::chrono::seconds phase{5};
  Bytes budget = 256_MiB;
  unsigned threads = 2;
  std::uint64_t seed = 1;
  bool verbose = false;
};

double share(Bytes part, Bytes whole) { return part.as_double() / whole.as_double(); }
double mebibytes(Bytes bytes) { return bytes.as_double() / (1 << 20); }

// Private memory of this process, and what malloc has of it without anybody using it.
struct Resident {
  Bytes anonymous, malloc_free;
};
Resident resident_now() {
  static const Result<ProcessReader> reader = ProcessReader::open("/", "self");
  const struct mallinfo2 heap = ::mallinfo2();
  const Result<ProcessMemory> memory = reader ? reader->memory() : tl::unexpected(reader.error());
  return {memory ? memory->anonymous : Bytes(), Bytes(heap.fordblks)};
}

class Soak {
 public:
  explicit Soak(const SoakArguments& arguments);
  ~Soak();
  Soak(const Soak&) = delete;
  Soak& operator=(const Soak&) = delete;
  bool run();

 private:
  struct Worst {
    double least_used = 1, most_used = 0;           // of the budget
    double least_resident = 10, most_resident = 0;  // of what is charged and fixed
    Bytes malloc_free, resident;                    // at most
    unsigned judged = 0, faults = 0;
  };
  struct Sample {
    Bytes bytes, objects;
    Bytes level;  // what it says it holds, and its queues
    Resident resident;
  };
  // Of the three byte caches.
  Bytes bytes_budget() const {
    return plain_account_.maximum() + packing_account_.maximum() + tiered_account_.maximum();
  }

  ByteCache::Options options_for(Account& account, Compression compression);
  Account& open(const char* name, Bytes maximum);
  bool start_level();
  bool warm_up();
  void turn(unsigned second);
  void give_back();
  Sample sample() const;
  Sample sample_when_full() const;
  bool full(const Sample& now) const;
  void judge(const Sample& now, unsigned second);
  void fault(const char* what, double figure, unsigned second);
  bool verdict() const;
  void tick();

  const SoakArguments arguments_;
  const Bytes before_;  // resident, when there was no cache
  SystemClock clock_;
  SystemPages pages_;
  LoadLine line_;
  Account& plain_account_;
  Account& packing_account_;
  Account& tiered_account_;
  Account& objects_account_;
  Account& level_account_;
  ByteCache plain_;
  ByteCache packing_;
  ByteCache tiered_;
  SoakObjects objects_;
  const std::array<ByteCache*, 3> byte_caches_{&plain_, &packing_, &tiered_};
  FileLevel* files_ = nullptr;  // the level's
  std::unique_ptr<LowerLevel> level_;
  MonotonicTime full_again_{};
  unsigned policy_ = 0;
  Worst worst_;
  std::optional<SoakLoad> load_;
};

// The accounts' own maxima bind, and not the line.
Soak::Soak(const SoakArguments& arguments)
    : arguments_(arguments),
      before_(resident_now().anonymous),
      line_({.limit = arguments.budget * 2}),
      plain_account_(open("plain", arguments.budget / 2)),
      packing_account_(open("packing", arguments.budget / 8)),
      tiered_account_(open("tiered", arguments.budget / 8)),
      objects_account_(open("objects", arguments.budget / 4)),
      level_account_(line_.open({.name = "level", .kind = AccountKind::kPinned})),
      plain_(options_for(plain_account_, Compression::kOff)),
      packing_(options_for(packing_account_, Compression::kLz4)),
      tiered_(options_for(tiered_account_, Compression::kOff)),
      objects_(SoakObjects::build(objects_account_)
                   .weigh([](const SoakObject& object) {
                     return Bytes(object.words.capacity() * sizeof(std::uint64_t));
                   })
                   .policy(PolicyKind::kAdaptive)
                   .open()) {}

Soak::~Soak() {
  load_.reset();
  if (level_ == nullptr) return;
  level_->stop();
  tiered_.set_lower_level(nullptr);
}

Account& Soak::open(const char* name, Bytes maximum) {
  return line_.open({.name = name, .kind = AccountKind::kDroppable, .maximum = maximum});
}

ByteCache::Options Soak::options_for(Account& account, Compression compression) {
  return {.account = account,
          .pages = pages_,
          .line = account.maximum(),
          .address_space = {},
          .policy = PolicyKind::kAdaptive,
          .analyse = true,
          .seed = arguments_.seed,
          .compression = compression};
}

bool Soak::start_level() {
  auto files = std::make_unique<FileLevel>();
  files_ = files.get();
  auto level = LowerLevel::open(tiered_, {.name = "files",
                                          .level = std::move(files),
                                          .account = level_account_,
                                          .clock = clock_,
                                          .size = arguments_.budget / 4});
  if (!level) return false;
  level_ = *std::move(level);
  tiered_.set_lower_level(level_.get());
  return level_->start().has_value();
}

void Soak::tick() {
  for (ByteCache* cache : byte_caches_) {
    cache->expire(clock_.wall_ms());
    cache->tick();
  }
  objects_.reclaimer().tick();
}

// The median of some milliseconds: an addition that is refused is seen until it is undone (budget/account.h),
// and objects of 100 KiB go several at a time.
Bytes held_by(const Account& account) {
  std::array<Bytes, 11> readings;
  for (Bytes& reading : readings) {
    reading = account.used();
    std::this_thread::sleep_for(1ms);
  }
  std::nth_element(readings.begin(), readings.begin() + readings.size() / 2, readings.end());
  return readings[readings.size() / 2];
}

Soak::Sample Soak::sample() const {
  trim_malloc();
  return {held_by(plain_account_) + held_by(packing_account_) + held_by(tiered_account_),
          held_by(objects_account_), level_account_.used() + Bytes(files_->figures().memory_bytes),
          resident_now()};
}

bool Soak::full(const Sample& now) const {
  return share(now.bytes, bytes_budget()) >= kFull && share(now.objects, objects_account_.maximum()) >= kFull;
}

Soak::Sample Soak::sample_when_full() const {
  Sample now = sample();
  for (int more = 0; more < 5 && !full(now); ++more) {
    std::this_thread::sleep_for(100ms);
    now = sample();
  }
  return now;
}

bool Soak::warm_up() {
  // When a cache is full for the first time, its policy begins to remember what left: that is charged as
  // held, and what is then too much goes with the next writes.
  constexpr int kSettling = 20;
  int left = kSettling;
  const MonotonicTime deadline = clock_.monotonic_now() + 120s;
  while (clock_.monotonic_now() < deadline) {
    std::this_thread::sleep_for(100ms);
    tick();
    if ((full(sample()) || left < kSettling) && --left == 0) return true;
  }
  std::printf("soak: the caches were not full after two minutes\n");
  return false;
}

void Soak::give_back() {
  for (ByteCache* cache : byte_caches_) cache->reclaim(cache->account().maximum() / 16);
  objects_.reclaimer().reclaim(objects_account_.maximum() / 16);
  full_again_ = clock_.monotonic_now() + kRefill;
}

// What happens at the begin of a second.
void Soak::turn(unsigned second) {
  const auto length = static_cast<unsigned>(arguments_.phase.count());
  const unsigned phase = second / length;
  if (second % length == 0) {
    load_->enter(phase);
    if (arguments_.verbose) std::printf("phase %u: %s\n", phase, soak_phase(phase).name().c_str());
  }
  if (second % length == length / 2) {
    const PolicyKind kind = kPolicyKinds[++policy_ % kPolicyKinds.size()];
    for (ByteCache* cache : byte_caches_) cache->set_policy(kind);
    objects_.set_policy(kind);
    if (phase % 3 == 2) give_back();
  }
}

void Soak::fault(const char* what, double figure, unsigned second) {
  ++worst_.faults;
  std::printf("soak: second %u (%s): %s %.4f\n", second,
              soak_phase(second / static_cast<unsigned>(arguments_.phase.count())).name().c_str(), what,
              figure);
}

void Soak::judge(const Sample& now, unsigned second) {
  ++worst_.judged;
  const bool filling = clock_.monotonic_now() < full_again_;
  for (auto [used, most, name] : {std::tuple(now.bytes, bytes_budget(), "bytes charged"),
                                  std::tuple(now.objects, objects_account_.maximum(), "objects charged")}) {
    const double figure = share(used, most);
    if (!filling) worst_.least_used = std::min(worst_.least_used, figure);
    if (!filling && figure < kFull) fault(name, figure, second);
  }
  // Objects that somebody holds are charged above their cache's maximum, if need be.
  const double together = share(now.bytes + now.objects, arguments_.budget);
  worst_.most_used = std::max(worst_.most_used, together);
  if (together > 1 + kWithin) fault("both charged", together, second);
  worst_.malloc_free = std::max(worst_.malloc_free, now.resident.malloc_free);
  worst_.resident = std::max(worst_.resident, now.resident.anonymous);
  if (kSanitized) return;
  const Bytes fixed = before_ + kFixed + now.level + now.resident.malloc_free;
  const double figure = share(now.resident.anonymous, now.bytes + now.objects + fixed);
  worst_.most_resident = std::max(worst_.most_resident, figure);
  worst_.least_resident = std::min(worst_.least_resident, figure);
  if (arguments_.verbose) {
    std::printf("  %4u: charged %.1f + %.1f, resident %.1f, free in malloc %.1f MiB: %.4f\n", second,
                mebibytes(now.bytes), mebibytes(now.objects), mebibytes(now.resident.anonymous),
                mebibytes(now.resident.malloc_free), figure);
  }
  if (figure > 1 + kWithin) fault("resident, of what is charged and fixed,", figure, second);
}

bool Soak::verdict() const {
  const SoakLoad::Counts counts = load_->counts();
  const auto reads = static_cast<double>(std::max<std::uint64_t>(counts.reads, 1));
  std::printf(
      "soak: %u seconds, %.1f million reads (%.1f %% hits), %.1f million writes, %llu and %llu refused, %llu "
      "wrong\n"
      "charged: %.2f to %.2f %% of the budget\n",
      worst_.judged, reads / 1e6, 100 * static_cast<double>(counts.hits) / reads,
      static_cast<double>(counts.writes) / 1e6, static_cast<unsigned long long>(counts.bytes_refused),
      static_cast<unsigned long long>(counts.objects_refused), static_cast<unsigned long long>(counts.wrong),
      100 * worst_.least_used, 100 * worst_.most_used);
  if (!kSanitized) {
    std::printf(
        "resident: %.1f MiB at most, %.2f to %.2f %% of what is charged and fixed (free in malloc: %.1f MiB "
        "at most)\n",
        mebibytes(worst_.resident), 100 * worst_.least_resident, 100 * worst_.most_resident,
        mebibytes(worst_.malloc_free));
  }
  const ByteCache::Stats packing = packing_.stats();
  const LowerLevel::Stats level = level_->stats();
  std::printf(
      "packed: %llu of %llu items; below: %llu went down, %llu came up, %llu corrupt, %llu failures\n",
      static_cast<unsigned long long>(packing.packed), static_cast<unsigned long long>(packing.items),
      static_cast<unsigned long long>(level.demoted), static_cast<unsigned long long>(level.promoted),
      static_cast<unsigned long long>(level.corrupt), static_cast<unsigned long long>(level.failures));
  const bool all_took_part = packing.compression.packed > 0 && level.demoted > 0 && level.promoted > 0 &&
                             level.corrupt == 0 && level.failures == 0;
  // On a busy machine a second may end between an eviction and the writes that fill its place.
  const bool at_budget = worst_.faults * 100 <= worst_.judged && worst_.least_used >= kLeastUsed &&
                         worst_.most_used <= 1 + kWithin && worst_.most_resident <= 1 + kWithin;
  const bool well = at_budget && all_took_part && counts.wrong == 0 && counts.hits > 0 && counts.erased > 0 &&
                    (counts.bytes_refused + counts.objects_refused) * 1000 <= counts.writes;
  std::printf("%s\n", well ? "as it should be" : "NOT as it should be");
  return well;
}

bool Soak::run() {
  if (!start_level()) return false;
  load_.emplace(SoakLoad::Options{
      .caches = {{.cache = plain_, .budget = plain_account_.maximum()},
                 {.cache = packing_, .budget = packing_account_.maximum(), .text = true},
                 {.cache = tiered_, .budget = tiered_account_.maximum(), .level = level_.get()}},
      .objects = objects_,
      .objects_budget = objects_account_.maximum(),
      .threads = arguments_.threads,
      .seed = arguments_.seed});
  if (!warm_up()) return false;
  const MonotonicTime begin = clock_.monotonic_now();
  for (unsigned second = 0; second < arguments_.duration.count(); ++second) {
    turn(second);
    const MonotonicTime end = begin + std::chrono::seconds(second + 1);
    while (clock_.monotonic_now() < end) {  // ten ticks a second, as the governor
      std::this_thread::sleep_for(100ms);
      tick();
    }
    judge(sample_when_full(), second);
  }
  load_->stop();
  for (const ByteCache* cache : byte_caches_) cache->CheckInvariants();
  objects_.CheckInvariants();
  return verdict();
}

std::optional<SoakArguments> read_arguments(int argc, char** argv) {
  SoakArguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") {
      arguments.verbose = true;
      continue;
    }
    if (++i >= argc) return std::nullopt;
    if (word == "--budget") {
      const Result<Bytes> budget = parse_bytes(argv[i]);
      if (!budget || *budget < 8_MiB) return std::nullopt;
      arguments.budget = *budget;
      continue;
    }
    const std::optional<std::uint64_t> number = parse_uint64(argv[i]);
    if (!number || *number == 0 || *number > 1'000'000) return std::nullopt;
    if (word == "--seconds") {
      arguments.duration = std::chrono::seconds(*number);
    } else if (word == "--phase") {
      arguments.phase = std::chrono::seconds(*number);
    } else if (word == "--threads") {
      arguments.threads = static_cast<unsigned>(*number);
    } else if (word == "--seed") {
      arguments.seed = *number;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace
}  // namespace plimsoll

int main(int argc, char** argv) {
  const std::optional<plimsoll::SoakArguments> arguments = plimsoll::read_arguments(argc, argv);
  if (!arguments) {
    std::printf(
        "plimsoll_soak [--seconds 600] [--budget 256MiB] [--threads 2] [--phase 5] [--seed 1] [--verbose]\n");
    return 2;
  }
  return plimsoll::Soak(*arguments).run() ? 0 : 1;
}
