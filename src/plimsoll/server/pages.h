// Pages: what the HTTP port answers, by path.
//
//   /metrics         Prometheus text
//   /healthz         "ok" while the server serves
//   /status.txt      where the memory is, for a person
//   /api/v1/status   the same, for a program
//   /pools.txt       every allocator and pool, for a person
//   /api/v1/pools    the same, for a program
//
// Thread-safety: any thread. Cost: a walk over all figures, about a millisecond. Limits: none. Errors: 404,
// 405 as pages. Ownership: none.
#pragma once

#include <string>
#include <string_view>

#include "plimsoll/server/node.h"
#include "plimsoll/wire/http_request.h"

namespace plimsoll {

struct Page {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
};

Page page_for(const Node& node, const HttpRequest& request);

}  // namespace plimsoll
