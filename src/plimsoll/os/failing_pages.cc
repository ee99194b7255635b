#include "plimsoll/os/failing_pages.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace plimsoll {
namespace {

tl::unexpected<Error> refusal() { return fail(ErrorCode::kSystem, "the test lets this call fail", ENOMEM); }

}  // namespace

void FailingPages::RangeSet::add(std::byte* begin, std::byte* end) {
  if (begin == end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace(begin, end);
}

void FailingPages::RangeSet::remove(std::byte* begin, std::byte* end) {
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin()) --at;
  while (at != ranges_.end() && at->first < end) {
    auto [first, last] = *at;
    if (last <= begin) {
      ++at;
      continue;
    }
    at = ranges_.erase(at);
    if (first < begin) ranges_.emplace(first, begin);
    if (last > end) ranges_.emplace(end, last);
  }
}

bool FailingPages::RangeSet::holds(std::byte* begin, std::byte* end) const {
  if (begin == end) return true;
  auto at = ranges_.upper_bound(begin);
  return at != ranges_.begin() && std::prev(at)->second >= end;
}

Bytes FailingPages::RangeSet::size() const {
  Bytes sum;
  for (auto [begin, end] : ranges_) sum += Bytes(static_cast<std::uint64_t>(end - begin));
  return sum;
}

void FailingPages::fail_after(PageCall call, std::uint64_t successes) {
  MutexLock lock(mutex_);
  left_[static_cast<std::size_t>(call)] = successes;
}

void FailingPages::allow_all() {
  MutexLock lock(mutex_);
  left_.fill(std::numeric_limits<std::uint64_t>::max());
}

std::uint64_t FailingPages::calls(PageCall call) const {
  MutexLock lock(mutex_);
  return calls_[static_cast<std::size_t>(call)];
}

std::uint64_t FailingPages::refused() const {
  MutexLock lock(mutex_);
  return refused_;
}

Bytes FailingPages::reserved() const {
  MutexLock lock(mutex_);
  return reserved_.size();
}

Bytes FailingPages::usable() const {
  MutexLock lock(mutex_);
  return usable_.size();
}

Bytes FailingPages::given_back() const {
  MutexLock lock(mutex_);
  return given_back_;
}

bool FailingPages::admit(PageCall call) {
  MutexLock lock(mutex_);
  auto index = static_cast<std::size_t>(call);
  ++calls_[index];
  if (left_[index] == 0) {
    ++refused_;
    return false;
  }
  if (left_[index] != std::numeric_limits<std::uint64_t>::max()) --left_[index];
  return true;
}

void FailingPages::expect_reserved(PageRange range) const {
  MutexLock lock(mutex_);
  PLIMSOLL_CHECK(reserved_.holds(range.begin, range.end()), "range at %p of %llu bytes is not of this source",
                 static_cast<void*>(range.begin), static_cast<unsigned long long>(range.size.count()));
}

Result<PageRange> FailingPages::reserve(Bytes size, Bytes alignment) {
  if (!admit(PageCall::kReserve)) return refusal();
  Result<PageRange> range = source_.reserve(size, alignment);
  if (range) {
    MutexLock lock(mutex_);
    reserved_.add(range->begin, range->end());
  }
  return range;
}

Result<void> FailingPages::make_usable(PageRange range) {
  expect_reserved(range);
  if (!admit(PageCall::kMakeUsable)) return refusal();
  Result<void> done = source_.make_usable(range);
  if (done) {
    MutexLock lock(mutex_);
    usable_.add(range.begin, range.end());
  }
  return done;
}

Result<void> FailingPages::make_unusable(PageRange range) {
  expect_reserved(range);
  if (!admit(PageCall::kMakeUnusable)) return refusal();
  Result<void> done = source_.make_unusable(range);
  if (done) {
    MutexLock lock(mutex_);
    usable_.remove(range.begin, range.end());
  }
  return done;
}

Result<void> FailingPages::give_back(PageRange range) {
  expect_reserved(range);
  if (!admit(PageCall::kGiveBack)) return refusal();
  Result<void> done = source_.give_back(range);
  if (done) {
    MutexLock lock(mutex_);
    given_back_ += range.size;
  }
  return done;
}

Result<void> FailingPages::populate(PageRange range) {
  expect_reserved(range);
  if (!admit(PageCall::kPopulate)) return refusal();
  return source_.populate(range);
}

Result<void> FailingPages::advise(PageRange range, Advice advice) {
  expect_reserved(range);
  if (!admit(PageCall::kAdvise)) return refusal();
  return source_.advise(range, advice);
}

Result<void> FailingPages::unmap(PageRange range) {
  expect_reserved(range);
  if (!admit(PageCall::kUnmap)) return refusal();
  {
    // Forgotten before it is gone, or another thread's reserve() could be given the same place in between.
    MutexLock lock(mutex_);
    reserved_.remove(range.begin, range.end());
    usable_.remove(range.begin, range.end());
  }
  Result<void> done = source_.unmap(range);
  if (!done) {
    MutexLock lock(mutex_);
    reserved_.add(range.begin, range.end());
  }
  return done;
}

}  // namespace plimsoll
