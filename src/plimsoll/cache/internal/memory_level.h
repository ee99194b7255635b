// MemoryLevel: a level for tests, in maps, that fails and stands still when it is told to.
//
// Thread-safety: all methods from any thread. Cost: a lock a call. Limits: none. Errors: as told. Ownership:
// its keys and values are copies.
#pragma once

#include <map>
#include <string>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cache/level.h"

namespace plimsoll {

class MemoryLevel final : public CacheLevel {
 public:
  using Families = std::map<std::uint32_t, std::map<std::string, std::string, std::less<>>>;

  std::vector<std::uint32_t> generations() override {
    MutexLock lock(mutex_);
    std::vector<std::uint32_t> all;
    for (const auto& [generation, values] : families_) all.push_back(generation);
    return all;
  }
  Outcome begin(std::uint32_t generation) override {
    MutexLock lock(mutex_);
    if (fails) return Outcome::kFailed;
    families_[generation];
    return Outcome::kDone;
  }
  Outcome drop_before(std::uint32_t generation) override {
    MutexLock lock(mutex_);
    if (fails) return Outcome::kFailed;
    families_.erase(families_.begin(), families_.lower_bound(generation));
    return Outcome::kDone;
  }
  Outcome write(std::span<const Write> writes) override {
    MutexLock lock(mutex_);
    stand_still();
    ++writes_;
    if (fails) return Outcome::kFailed;
    for (const Write& write : writes) {
      const auto family = families_.find(write.generation);
      if (family == families_.end()) continue;
      if (write.put) {
        family->second[std::string(write.key)] = write.value;
      } else {
        family->second.erase(std::string(write.key));
      }
    }
    return Outcome::kDone;
  }
  Outcome read(std::uint32_t generation, std::string_view key, std::string& value) override {
    if (on_read) on_read();
    MutexLock lock(mutex_);
    stand_still();
    ++reads_;
    if (fails) return Outcome::kFailed;
    const auto family = families_.find(generation);
    if (family == families_.end()) return Outcome::kAbsent;
    const auto found = family->second.find(key);
    if (found == family->second.end()) return Outcome::kAbsent;
    value = found->second;
    return Outcome::kDone;
  }
  Outcome each_key(std::uint32_t generation, std::string_view from,
                   const std::function<bool(std::string_view)>& visit) override {
    std::vector<std::string> keys;
    {
      MutexLock lock(mutex_);
      while (holds_keys_) moved_.wait(mutex_);
      if (fails) return Outcome::kFailed;
      const auto family = families_.find(generation);
      if (family == families_.end()) return Outcome::kDone;
      for (auto at = family->second.lower_bound(from); at != family->second.end(); ++at)
        keys.push_back(at->first);
    }
    for (const std::string& key : keys) {
      if (!visit(key)) break;
    }
    return Outcome::kDone;
  }
  void distrust() override {
    MutexLock lock(mutex_);
    trusted_ = false;
  }
  Outcome restart() override {
    MutexLock lock(mutex_);
    if (fails) return Outcome::kFailed;
    families_.clear();
    trusted_ = true;
    return Outcome::kDone;
  }
  Figures figures() override {
    MutexLock lock(mutex_);
    Figures figures;
    for (const auto& [generation, values] : families_) {
      for (const auto& [key, value] : values) figures.stored_bytes += key.size() + value.size();
    }
    return figures;
  }
  std::string words() override { return "as told"; }

  // For tests. What is there in all generations, and where each key is.
  std::map<std::string, std::string> all() {
    MutexLock lock(mutex_);
    std::map<std::string, std::string> sum;
    for (const auto& [generation, values] : families_) {
      for (const auto& [key, value] : values) {
        twice_ += sum.contains(key) ? 1 : 0;
        sum[key] = value;
      }
    }
    return sum;
  }
  int twice() const { return twice_; }  // keys that all() saw in two generations
  Families families() {
    MutexLock lock(mutex_);
    return families_;
  }
  void set_families(Families families) {
    MutexLock lock(mutex_);
    families_ = std::move(families);
  }
  void change(std::string_view key, const std::function<void(std::string&)>& change) {
    MutexLock lock(mutex_);
    for (auto& [generation, values] : families_) {
      if (const auto found = values.find(key); found != values.end()) change(found->second);
    }
  }
  void hold_keys(bool hold) {
    MutexLock lock(mutex_);
    holds_keys_ = hold;
    moved_.notify_all();
  }
  void stop_here() {
    MutexLock lock(mutex_);
    still_ = true;
  }
  void go_on() {
    MutexLock lock(mutex_);
    still_ = false;
    moved_.notify_all();
  }
  bool trusted() {
    MutexLock lock(mutex_);
    return trusted_;
  }
  int reads() {
    MutexLock lock(mutex_);
    return reads_;
  }

  std::atomic<bool> fails{false};
  std::function<void()> on_read;  // set while nobody reads

 private:
  void stand_still() PLIMSOLL_REQUIRES(mutex_) {
    while (still_) moved_.wait(mutex_);
  }

  Mutex mutex_;
  CondVar moved_;
  Families families_ PLIMSOLL_GUARDED_BY(mutex_);
  bool still_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool holds_keys_ PLIMSOLL_GUARDED_BY(mutex_) = false;  // each_key() waits
  bool trusted_ PLIMSOLL_GUARDED_BY(mutex_) = true;
  int writes_ = 0, reads_ = 0, twice_ = 0;
};

}  // namespace plimsoll
