// Pages: what the HTTP port answers, by path.
//
//   /                the live page, whole in one answer
//   /metrics         Prometheus text
//   /healthz         "ok" while the server serves
//   /status.txt      where the memory is, for a person
//   /pools.txt       every allocator and pool, for a person
//   /cache.txt       what the cache is worth, for a person; /cache/curve.txt draws its curve
//   /api/v1/status, /pools, /cache, /topics, /history
//                    the same, for programs; history is the last fifteen minutes
//   /api/v1/events   status and the seconds since, once a second, as server-sent events (HttpConnection sends
//                    them)
//
// Thread-safety: any thread. Cost: a walk over all figures, about a millisecond; tens of them for what
// takes_long(), which is not for a loop's thread. Limits: /api/v1/topics has the 20 largest. Errors: 404, 405
// as pages. Ownership: none.
#pragma once

#include <string>
#include <string_view>

#include "plimsoll/server/node.h"

namespace plimsoll {

struct Page {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string_view fixed = {};   // instead of a body: part of the program
  std::string_view policy = {};  // what a browser may load for it

  std::string_view text() const { return fixed.empty() ? std::string_view(body) : fixed; }
};

inline constexpr std::string_view kEventsPath = "/api/v1/events";

bool takes_long(std::string_view path);
Page page_for(const Node& node, std::string_view path);

// The live page, as it was built: page/page.html with its style, its script and the library that draws.
std::string_view live_page();

}  // namespace plimsoll
