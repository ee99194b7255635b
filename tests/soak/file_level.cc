#include "file_level.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "plimsoll/base/check.h"

namespace plimsoll {
namespace {

std::uint64_t number_of(std::string_view key) {
  std::uint64_t number = 0;
  PLIMSOLL_CHECK(key.size() == sizeof number, "a key of %zu bytes", key.size());
  std::memcpy(&number, key.data(), sizeof number);
  return number;
}

}  // namespace

std::vector<std::uint32_t> FileLevel::generations() {
  MutexLock lock(mutex_);
  std::vector<std::uint32_t> all;
  for (const auto& [number, generation] : generations_) all.push_back(number);
  return all;
}

CacheLevel::Outcome FileLevel::begin(std::uint32_t generation) {
  MutexLock lock(mutex_);
  Generation& begun = generations_[generation];
  if (begun.file == nullptr) begun.file.reset(std::tmpfile());
  return begun.file != nullptr ? Outcome::kDone : Outcome::kFailed;
}

CacheLevel::Outcome FileLevel::drop_before(std::uint32_t generation) {
  MutexLock lock(mutex_);
  generations_.erase(generations_.begin(), generations_.lower_bound(generation));
  return Outcome::kDone;
}

bool FileLevel::append(Generation& generation, std::uint64_t key, std::string_view value) {
  std::FILE* file = generation.file.get();
  if (std::fseek(file, static_cast<long>(generation.end), SEEK_SET) != 0) return false;
  if (std::fwrite(value.data(), 1, value.size(), file) != value.size()) return false;
  generation.places[key] = {generation.end, static_cast<std::uint32_t>(value.size())};
  generation.end += value.size();
  return true;
}

CacheLevel::Outcome FileLevel::write(std::span<const Write> writes) {
  MutexLock lock(mutex_);
  for (const Write& write : writes) {
    const auto found = generations_.find(write.generation);
    if (found == generations_.end()) continue;
    const std::uint64_t key = number_of(write.key);
    if (!write.put) {
      found->second.places.erase(key);
    } else if (!append(found->second, key, write.value)) {
      return Outcome::kFailed;
    }
  }
  return Outcome::kDone;
}

CacheLevel::Outcome FileLevel::read(std::uint32_t generation, std::string_view key, std::string& value) {
  MutexLock lock(mutex_);
  const auto found = generations_.find(generation);
  if (found == generations_.end()) return Outcome::kAbsent;
  const auto place = found->second.places.find(number_of(key));
  if (place == found->second.places.end()) return Outcome::kAbsent;
  value.resize(place->second.size);
  std::FILE* file = found->second.file.get();
  if (std::fseek(file, static_cast<long>(place->second.at), SEEK_SET) != 0) return Outcome::kFailed;
  return std::fread(value.data(), 1, value.size(), file) == value.size() ? Outcome::kDone : Outcome::kFailed;
}

CacheLevel::Outcome FileLevel::each_key(std::uint32_t generation, std::string_view from,
                                        const std::function<bool(std::string_view)>& visit) {
  std::vector<std::string> keys;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, place] : generations_[generation].places) {
      keys.emplace_back(reinterpret_cast<const char*>(&key), sizeof key);
    }
  }
  std::ranges::sort(keys);
  for (auto key = std::ranges::lower_bound(keys, from); key != keys.end() && visit(*key); ++key) {
  }
  return Outcome::kDone;
}

CacheLevel::Outcome FileLevel::restart() {
  MutexLock lock(mutex_);
  generations_.clear();
  return Outcome::kDone;
}

CacheLevel::Figures FileLevel::figures() {
  MutexLock lock(mutex_);
  Figures figures;
  for (const auto& [number, generation] : generations_) {
    figures.stored_bytes += generation.end;
    figures.memory_bytes += generation.places.size() * kOfAKey;
  }
  return figures;
}

}  // namespace plimsoll
