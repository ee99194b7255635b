#include "plimsoll/server/flow.h"

#include <algorithm>

namespace plimsoll {

void Flow::look(MonotonicTime now, const LoadLine& line) {
  const std::vector<const Account*> accounts = line.accounts();
  MutexLock lock(mutex_);
  if (taken_ > 0 && now - times_[slot(0)] < kBetween) return;
  ++taken_;
  series_.resize(1 + accounts.size());
  opened_.resize(series_.size(), taken_);
  times_[slot(0)] = now;
  series_[0][slot(0)] = {line.charged_total(), line.released_total()};
  for (std::size_t i = 0; i < accounts.size(); ++i)
    series_[1 + i][slot(0)] = {accounts[i]->charged_total(), accounts[i]->released_total()};
}

Flow::Rates Flow::rates_of(const Series& series, std::size_t since) const {
  const std::size_t looks = std::min(taken_ - since + 1, kLooks);
  if (looks < 2) return {};
  auto ago = [&](std::size_t back) PLIMSOLL_REQUIRES(mutex_) {
    return std::chrono::duration<double>(times_[slot(0)] - times_[slot(back)]).count();
  };
  const std::size_t back = std::min(looks - 1, kLately);
  const Point &last = series[slot(0)], &first = series[slot(back)];
  // A charge under way may make a total smaller than it was.
  auto rate = [&](std::uint64_t from, std::uint64_t to) PLIMSOLL_REQUIRES(mutex_) {
    return to > from ? static_cast<double>(to - from) / ago(back) : 0.0;
  };
  Rates rates{.charged = rate(first.charged, last.charged),
              .released = rate(first.released, last.released),
              .growth = std::nullopt};
  if (looks < kLeastForGrowth) return rates;
  auto used = [&](std::size_t at) PLIMSOLL_REQUIRES(mutex_) {
    const Point& point = series[slot(at)];
    return static_cast<double>(point.charged - std::min(point.charged, point.released));
  };
  double mean_time = 0, mean_used = 0, both = 0, square = 0;
  for (std::size_t i = 0; i < looks; ++i) {
    mean_time -= ago(i) / static_cast<double>(looks);
    mean_used += used(i) / static_cast<double>(looks);
  }
  for (std::size_t i = 0; i < looks; ++i) {
    const double time = -ago(i) - mean_time;
    both += time * (used(i) - mean_used);
    square += time * time;
  }
  rates.growth = both / square;
  return rates;
}

Flow::Figures Flow::figures() const {
  MutexLock lock(mutex_);
  Figures figures;
  for (std::size_t i = 0; i < series_.size(); ++i) {
    const Rates rates = rates_of(series_[i], opened_[i]);
    if (i == 0)
      figures.all = rates;
    else
      figures.accounts.push_back(rates);
  }
  return figures;
}

}  // namespace plimsoll
