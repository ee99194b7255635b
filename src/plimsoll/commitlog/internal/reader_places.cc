#include "plimsoll/commitlog/internal/reader_places.h"

#include <algorithm>

#include "plimsoll/base/check.h"

namespace plimsoll {

void ReaderPlaces::forget_silent(MonotonicTime now) {
  std::erase_if(readers_, [now](const Reader& reader) { return now - reader.seen > kPatience; });
  if (readers_.empty()) readers_.shrink_to_fit();
}

std::uint64_t ReaderPlaces::read(std::uint64_t from, std::uint64_t to, MonotonicTime now) {
  // The nearest of those whose last answer held this place or ended there.
  Reader* who = nullptr;
  for (Reader& reader : readers_) {
    if (from < reader.from || from > reader.to) continue;
    if (who == nullptr || reader.from > who->from) who = &reader;
  }
  if (who == nullptr) {
    forget_silent(now);
    if (readers_.size() == kMost) {
      const auto furthest = std::max_element(
          readers_.begin(), readers_.end(), [](const Reader& a, const Reader& b) { return a.from < b.from; });
      if (furthest->from <= from) return 0;
      readers_.erase(furthest);
    }
    who = &readers_.emplace_back(Reader{.from = from, .to = to, .taken = from, .seen = now});
  }
  who->from = from;
  who->to = to;
  who->seen = now;
  return from - who->taken;
}

std::uint64_t ReaderPlaces::lowest(std::uint64_t floor, MonotonicTime now) {
  forget_silent(now);
  std::uint64_t lowest = kNobody;
  for (const Reader& reader : readers_) {
    if (reader.from >= floor) lowest = std::min(lowest, reader.from);
  }
  return lowest;
}

bool ReaderPlaces::followed(const Reader& reader, std::uint64_t reach) const {
  return std::any_of(readers_.begin(), readers_.end(), [&reader, reach](const Reader& other) {
    return other.from < reader.from && reader.from - other.from <= reach;
  });
}

std::vector<ReaderPlaces::Range> ReaderPlaces::take_passed(std::uint64_t limit, std::uint64_t reach,
                                                           std::uint64_t step) {
  std::vector<Range> passed;
  for (Reader& reader : readers_) {
    const std::uint64_t end = std::min(reader.from, limit);
    if (end == reader.from && end - reader.taken < step) continue;
    if (reader.taken < end && !followed(reader, reach)) passed.push_back({reader.taken, end});
    reader.taken = reader.from;
  }
  return passed;
}

void ReaderPlaces::CheckInvariants() const {
  PLIMSOLL_CHECK(readers_.size() <= kMost);
  for (const Reader& reader : readers_) {
    PLIMSOLL_CHECK(reader.taken <= reader.from && reader.from <= reader.to);
  }
}

}  // namespace plimsoll
