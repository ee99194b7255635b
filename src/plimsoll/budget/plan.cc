#include "plimsoll/budget/plan.h"

#include <algorithm>

namespace plimsoll {

ServerPlan plan_server(Bytes line) {
  return {
      .bodies_maximum = line / 2,
      .output_maximum = line / 4,
      .reader_share = std::clamp(line / 512, 64_KiB, 1_MiB),
      .connections_maximum = line / 2,
      .http_maximum = std::max(line / 64, 1_MiB),
      .page_cache_guarantee = std::clamp(line / 8, 4_MiB, 1_GiB),
      .indexes_maximum = std::clamp(line / 16, 1_MiB, 8_GiB),
  };
}

}  // namespace plimsoll
