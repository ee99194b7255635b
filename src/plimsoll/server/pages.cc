#include "plimsoll/server/pages.h"

#include "plimsoll/report/prometheus.h"
#include "plimsoll/server/cache_page.h"
#include "plimsoll/server/pools.h"

namespace plimsoll {

Page page_for(const Node& node, const HttpRequest& request) {
  if (request.path == "/metrics") {
    PrometheusText sink;
    node.Describe(sink);
    return {.content_type = PrometheusText::kContentType, .body = sink.text()};
  }
  if (request.path == "/healthz") return {.body = "ok\n"};
  if (request.path == "/status.txt") return {.body = status_text(node.status())};
  if (request.path == "/api/v1/status")
    return {.content_type = "application/json", .body = status_json(node.status())};
  if (request.path == "/pools.txt") return {.body = pools_text(collect_pools(node))};
  if (request.path == "/api/v1/pools")
    return {.content_type = "application/json", .body = pools_json(collect_pools(node))};
  if (request.path == "/cache.txt")
    return {.body = cache_text(node.cache.analysis(),
                               compression_words(node.cache.stats(), node.cache.compression()))};
  if (request.path == "/cache/curve.txt") return {.body = cache_curve_text(node.cache.analysis(false))};
  if (request.path == "/api/v1/cache")
    return {.content_type = "application/json", .body = cache_json(node.cache.analysis())};
  return {.status = 404,
          .body =
              "not here: /metrics, /healthz, /status.txt, /api/v1/status, /pools.txt, /api/v1/pools, "
              "/cache.txt, /cache/curve.txt, /api/v1/cache are\n"};
}

}  // namespace plimsoll
