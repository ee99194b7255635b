#include "plimsoll/memory_optimizer/memory_optimizer.h"

#include <algorithm>

namespace plimsoll {
namespace {

constexpr Bytes kLeastPart = 1_MiB;  // of a pool or a cache

double rate(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Level high begins at the target; the levels around it keep their distance.
LevelOptions levels_for(double target) {
  LevelOptions levels;
  const double above = 1 - target;
  levels.watermarks = {target * 0.8, target, target + above * 0.6, target + above * 0.8};
  levels.margin = std::min(0.03, above * 0.15);
  return levels;
}

LevelOptions levels_of(const MemoryConfig& config) { return levels_for(config.target_use); }

}  // namespace

Result<void> MemoryConfig::Validate() const {
  if (pooling && pool_size < kLeastPart)
    return fail(ErrorCode::kOutOfRange, "pool_size must be 1 MiB or more");
  if (caching && cache_size < kLeastPart)
    return fail(ErrorCode::kOutOfRange, "cache_size must be 1 MiB or more");
  if (!(target_use >= 0.1 && target_use <= 0.95))
    return fail(ErrorCode::kOutOfRange, "target_use must be a share of the line between 0.1 and 0.95");
  if (interval < std::chrono::milliseconds(10))
    return fail(ErrorCode::kOutOfRange, "the interval must be 10 ms or more");
  return levels_of(*this).Validate();
}

class MemoryOptimizer::Upkeep final : public Reclaimer {
 public:
  Upkeep(ByteCache& cache, const Clock& clock) : cache_(cache), clock_(clock) {}

  std::string_view name() const override { return "upkeep"; }
  ReclaimOffer offer() const override { return {}; }
  Bytes reclaim(Bytes) override { return {}; }
  void tick() override { cache_.expire(clock_.wall_ms()); }

 private:
  ByteCache& cache_;
  const Clock& clock_;
};

Result<std::unique_ptr<MemoryOptimizer>> MemoryOptimizer::open(const MemoryConfig& config) {
  if (Result<void> valid = config.Validate(); !valid) return tl::unexpected(valid.error());
  Result<std::unique_ptr<SystemProbe>> probe = SystemProbe::open({.limit = {.line = config.limit}});
  if (!probe) return tl::unexpected(probe.error());
  Result<FoundLimit> found = (*probe)->limit();
  if (!found) return tl::unexpected(found.error());
  std::unique_ptr<MemoryOptimizer> made(new MemoryOptimizer(config, std::move(*probe), *found));
  if (Result<void> opened = made->open_allocator(); !opened) return tl::unexpected(opened.error());
  return made;
}

MemoryOptimizer::MemoryOptimizer(const MemoryConfig& config, std::unique_ptr<SystemProbe> probe,
                                 const FoundLimit& found)
    : config_(config),
      probe_(std::move(probe)),
      line_({.limit = limit_to_follow(found)}),
      pool_account_(
          line_.open({.name = "pools", .kind = AccountKind::kWaitable, .maximum = config.pool_size})),
      cache_account_(
          line_.open({.name = "cache", .kind = AccountKind::kDroppable, .maximum = config.cache_size})),
      allocator_account_(line_.open({.name = "allocator", .kind = AccountKind::kPinned})),
      idle_(line_.open({.name = "idle", .kind = AccountKind::kDroppable})),
      governor_({.line = line_,
                 .probe = *probe_,
                 .board = board_,
                 .events = events_,
                 .levels = levels_of(config),
                 .idle_period = config.interval,
                 .trim = config.collection_tuning ? trim_malloc : [] { return false; }}) {
  const Bytes line = line_.line();
  if (config_.pooling) {
    pool_slabs_.emplace(SlabAllocator::Options{
        .account = pool_account_, .idle = idle_, .pages = pages_, .line = line, .name = "pools"});
    buffers_.emplace(BufferPool::Options{.slabs = *pool_slabs_,
                                         .pages = pages_,
                                         .account = pool_account_,
                                         .idle = idle_,
                                         .maximum_idle = config_.pool_size / BufferPool::kBuckets});
    governor_.add(*pool_slabs_, idle_);
    governor_.add(*buffers_, idle_);
  }
  if (config_.caching) {
    cache_.emplace(ByteCache::Options{.account = cache_account_,
                                      .pages = pages_,
                                      .line = std::min(line, config_.cache_size),
                                      .address_space = {},
                                      .policy = config_.cache_policy,
                                      .analyse = true});
    governor_.add(*cache_, cache_account_);
    upkeep_ = std::make_unique<Upkeep>(*cache_, clock_);
    governor_.add(*upkeep_, cache_account_);
  }
}

Result<void> MemoryOptimizer::open_allocator() {
  if (!config_.allocators) return {};
  BackendOptions options;
  if (config_.allocator == BackendKind::kSlabs || config_.allocator == BackendKind::kArena) {
    slabs_.emplace(SlabAllocator::Options{.account = allocator_account_,
                                          .idle = idle_,
                                          .pages = pages_,
                                          .line = line_.line(),
                                          .name = "allocator"});
    governor_.add(*slabs_, idle_);
    options = {.slabs = &*slabs_, .pages = &pages_, .account = &allocator_account_};
  }
  Result<std::unique_ptr<Backend>> backend = open_backend(config_.allocator, options);
  if (!backend) return tl::unexpected(backend.error());
  backend_ = std::move(*backend);
  return {};
}

MemoryOptimizer::~MemoryOptimizer() {
  stop();
  if (upkeep_) governor_.remove(*upkeep_);
  if (cache_) governor_.remove(*cache_);
  if (buffers_) governor_.remove(*buffers_);
  if (pool_slabs_) governor_.remove(*pool_slabs_);
  if (slabs_) governor_.remove(*slabs_);
}

Result<void> MemoryOptimizer::start() {
  if (Result<void> measured = governor_.measure_runtime(); !measured) return measured;
  return governor_.start();
}
void MemoryOptimizer::stop() { governor_.stop(); }

MemoryStatistics MemoryOptimizer::statistics() const {
  const Governor::Snapshot seen = governor_.snapshot();
  MemoryStatistics s{.limit = line_.limit(),
                     .line = line_.line(),
                     .now = line_.charged(),
                     .peak = line_.peak(),
                     .droppable = line_.droppable(),
                     .unaccounted = seen.sample.other,
                     .resident = seen.slow.process.resident,
                     .level = seen.sample.level};
  // A cache that is refused evicts, which is what it is for.
  for (const Account* account : line_.accounts())
    if (account->kind() != AccountKind::kDroppable) s.refused += account->refused();
  s.reclaims = events_.total(EventKind::kReclaimed);
  Bytes held, used;
  if (cache_) {
    const ByteCache::Stats c = cache_->stats();
    s.cache_hit_rate = rate(c.hits, c.hits + c.misses);
    held += cache_account_.used();
    used += c.payload;
  }
  for (const std::optional<SlabAllocator>* slabs : {&pool_slabs_, &slabs_}) {
    if (!*slabs) continue;
    const SlabAllocator::Stats a = (*slabs)->stats();
    held += a.held();
    used += a.given_out;
  }
  if (buffers_) {
    std::uint64_t created = 0, reused = 0;
    for (const BufferPool::BucketStats& bucket : buffers_->stats().buckets) {
      created += bucket.created;
      reused += bucket.reused;
    }
    s.pool_reuse_rate = rate(reused, created + reused);
  }
  if (!held.zero()) s.efficiency = std::min(1.0, used.as_double() / held.as_double());
  return s;
}

MemoryOptimizer::Report MemoryOptimizer::report() const {
  MemoryFacts facts{.statistics = statistics(), .target_use = config_.target_use};
  for (const Account* account : line_.accounts()) {
    // What the program itself takes, and what nobody charged, asks no account.
    const bool asks = account->name() != "runtime" && account->name() != "other";
    if (!asks || account->kind() == AccountKind::kDroppable || account->used() <= facts.largest_used)
      continue;
    facts.largest_account = account->name();
    facts.largest_used = account->used();
  }
  if (cache_) facts.cache = cache_->analysis();
  facts.cache_maximum = config_.cache_size;
  facts.pool_maximum = config_.pool_size;
  if (buffers_)
    for (const BufferPool::BucketStats& bucket : buffers_->stats().buckets)
      facts.pool_created += bucket.created;
  if (slabs_) {
    const SlabAllocator::Stats stats = slabs_->stats();
    facts.slabs_free = stats.free;
    facts.slabs_fragmentation = stats.fragmentation();
  }
  std::vector<Recommendation> found = recommend(facts);
  std::string summary = summarise(facts.statistics, found);
  return {facts.statistics, std::move(found), std::move(summary)};
}

void MemoryOptimizer::Describe(StatSink& sink) const {
  line_.Describe(sink);
  governor_.Describe(sink);
  if (buffers_) buffers_->Describe(sink);
  if (cache_) cache_->Describe(sink);
  if (slabs_) slabs_->Describe(sink);
  if (backend_) backend_->Describe(sink);
}

}  // namespace plimsoll
