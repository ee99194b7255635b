// FailingPages: a PageSource for tests, in front of a true one, that fails when told and counts what it gave.
//
//   SystemPages system;
//   FailingPages pages(system);
//   pages.fail_after(PageCall::kMakeUsable, 3);   // three more succeed, then all fail until allowed again
//
// Invariant: usable() <= reserved(); both are zero again when the code under test has given everything back,
// which is how a test finds a leak.
//
// Thread-safety: any thread. Cost: a lock and a look-up in a tree of ranges a call. Limits: none.
// Errors: those it is told to give (kSystem, ENOMEM), and those of the source behind it; making usable or
// unmapping what is not reserved aborts. Ownership: the source behind it outlives it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>

#include "plimsoll/base/mutex.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

enum class PageCall { kReserve, kMakeUsable, kMakeUnusable, kGiveBack, kPopulate, kAdvise, kUnmap };
inline constexpr std::size_t kPageCalls = 7;

class FailingPages final : public PageSource {
 public:
  explicit FailingPages(PageSource& source) : source_(source) { allow_all(); }

  // `successes` more calls of this kind succeed, then all of them fail.
  void fail_after(PageCall call, std::uint64_t successes);
  void allow(PageCall call) { fail_after(call, std::numeric_limits<std::uint64_t>::max()); }
  void allow_all();

  std::uint64_t calls(PageCall call) const;
  std::uint64_t refused() const;
  Bytes reserved() const;
  Bytes usable() const;
  Bytes given_back() const;  // in all, by give_back()

  Bytes page_size() const override { return source_.page_size(); }
  [[nodiscard]] Result<PageRange> reserve(Bytes size, Bytes alignment) override;
  [[nodiscard]] Result<void> make_usable(PageRange range) override;
  [[nodiscard]] Result<void> make_unusable(PageRange range) override;
  [[nodiscard]] Result<void> give_back(PageRange range) override;
  [[nodiscard]] Result<void> populate(PageRange range) override;
  [[nodiscard]] Result<void> advise(PageRange range, Advice advice) override;
  [[nodiscard]] Result<void> unmap(PageRange range) override;

 private:
  // Disjoint ranges that do not touch: begin -> end.
  class RangeSet {
   public:
    void add(std::byte* begin, std::byte* end);
    void remove(std::byte* begin, std::byte* end);
    bool holds(std::byte* begin, std::byte* end) const;
    Bytes size() const;

   private:
    std::map<std::byte*, std::byte*> ranges_;
  };

  bool admit(PageCall call) PLIMSOLL_EXCLUDES(mutex_);
  void expect_reserved(PageRange range) const PLIMSOLL_EXCLUDES(mutex_);

  PageSource& source_;
  mutable Mutex mutex_;
  std::array<std::uint64_t, kPageCalls> left_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::array<std::uint64_t, kPageCalls> calls_ PLIMSOLL_GUARDED_BY(mutex_){};
  std::uint64_t refused_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
  Bytes given_back_ PLIMSOLL_GUARDED_BY(mutex_);
  RangeSet reserved_ PLIMSOLL_GUARDED_BY(mutex_);
  RangeSet usable_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
