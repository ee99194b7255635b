// Pages: what the HTTP port answers, by path.
//
//   /metrics         Prometheus text
//   /healthz         "ok" while the server serves
//   /status.txt      where the memory is, for a person
//   /api/v1/status   the same, for a program
//   /pools.txt       every allocator and pool, for a person
//   /api/v1/pools    the same, for a program
//   /cache.txt       what the cache is worth and what would make it better, for a person
//   /api/v1/cache    the same, for a program
//   /cache/curve.txt its hit rate by memory, drawn
//
// Thread-safety: any thread. Cost: a walk over all figures, about a millisecond; tens of them for what
// takes_long(), which is not for a loop's thread. Limits: none. Errors: 404,
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

bool takes_long(std::string_view path);
Page page_for(const Node& node, std::string_view path);

}  // namespace plimsoll
