#include "plimsoll/cache/internal/changing_policy.h"

#include <algorithm>
#include <utility>

#include "plimsoll/base/check.h"

namespace plimsoll {

bool ChangingPolicy::convert(std::size_t count) {
  for (; count > 0; --count) {
    const Given given = from_->give_up();
    if (given.item == kNoLocator) break;
    to_->adopt(given.item, std::max(given.frequency, 1u));
  }
  return from_->size() > 0;
}

std::unique_ptr<EvictionPolicy> ChangingPolicy::finish() {
  PLIMSOLL_CHECK(from_->size() == 0, "%zu items left", from_->size());
  return std::move(to_);
}

void ChangingPolicy::CheckInvariants() const {
  from_->CheckInvariants();
  to_->CheckInvariants();
}

}  // namespace plimsoll
