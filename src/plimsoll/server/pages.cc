#include "plimsoll/server/pages.h"

#include "plimsoll/report/prometheus.h"
#include "plimsoll/server/cache_page.h"
#include "plimsoll/server/pools.h"

namespace plimsoll {

bool takes_long(std::string_view path) { return path == "/cache.txt" || path == "/api/v1/cache"; }

Page page_for(const Node& node, std::string_view path) {
  if (path == "/metrics") {
    PrometheusText sink;
    node.Describe(sink);
    return {.content_type = PrometheusText::kContentType, .body = sink.text()};
  }
  if (path == "/healthz") return {.body = "ok\n"};
  if (path == "/status.txt") return {.body = status_text(node.status())};
  if (path == "/api/v1/status")
    return {.content_type = "application/json", .body = status_json(node.status())};
  if (path == "/pools.txt") return {.body = pools_text(collect_pools(node))};
  if (path == "/api/v1/pools")
    return {.content_type = "application/json", .body = pools_json(collect_pools(node))};
  if (path == "/cache.txt") return {.body = cache_text(node.forecast(), node.pace.figures())};
  if (path == "/cache/curve.txt") return {.body = cache_curve_text(node.cache.analysis(false))};
  if (path == "/api/v1/cache")
    return {.content_type = "application/json", .body = cache_json(node.forecast(), node.pace.figures())};
  return {.status = 404,
          .body =
              "not here: /metrics, /healthz, /status.txt, /api/v1/status, /pools.txt, /api/v1/pools, "
              "/cache.txt, /cache/curve.txt, /api/v1/cache are\n"};
}

}  // namespace plimsoll
