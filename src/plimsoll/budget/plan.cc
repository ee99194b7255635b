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
      // Enough that who begins to read soon after finds it, where there is room; what is dropped is cheap to
      // write into again, and fresh pages cost produce a half of its rate.
      .log_kept_behind = std::clamp(line / 16, 8_MiB, 1_GiB),
      .indexes_maximum = std::clamp(line / 16, 1_MiB, 8_GiB),
  };
}

}  // namespace plimsoll
