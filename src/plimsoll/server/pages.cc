#include "plimsoll/server/pages.h"

#include <algorithm>
#include <array>
#include <vector>

#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/prometheus.h"
#include "plimsoll/report/table.h"
#include "plimsoll/server/cache_page.h"
#include "plimsoll/server/pools.h"

namespace plimsoll {
namespace {

constexpr std::size_t kTopicsShown = 20;
// The page is whole: a browser that was made to load something from elsewhere must not.
constexpr std::string_view kOnlyItself =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// With an end of line, for who asks from a terminal.
Page json(std::string body) { return {.content_type = "application/json", .body = std::move(body) + "\n"}; }
Page text(std::string body) { return {.body = std::move(body)}; }

Page metrics(const Node& node) {
  PrometheusText sink;
  node.Describe(sink);
  return {.content_type = PrometheusText::kContentType, .body = sink.text()};
}

Page live(const Node&) {
  return {.content_type = "text/html; charset=utf-8", .fixed = live_page(), .policy = kOnlyItself};
}

// Who sets a password does not want to tell keys to whoever reaches this port, which asks for none.
CacheAnalysis forecast(const Node& node) {
  CacheAnalysis analysis = node.forecast();
  if (!node.settings.password.empty())
    for (HotKey& hot : analysis.hot) hot.key = "(not told, as there is a password)";
  return analysis;
}

Page cache(const Node& node) {
  return text(cache_text(forecast(node), node.pace.figures(),
                         compression_words(node.cache.stats(), node.cache.compression()),
                         level_status(node.lower.get())));
}

// By size, as far as they were used since the start: what was not is not opened for being looked at.
Page topics(const Node& node) {
  struct Row {
    std::string name;
    std::int32_t partitions;
    Bytes size;
    std::uint64_t records;
  };
  std::vector<Row> rows;
  if (node.log_store) {
    node.log_store->for_each_topic([&rows](const std::shared_ptr<Topic>& topic) {
      Row row{.name = topic->name(), .partitions = topic->partition_count(), .size = {}, .records = 0};
      for (std::int32_t i = 0; i < row.partitions; ++i) {
        const Partition::Glance seen = topic->partition(i).glance();
        row.size += seen.size;
        row.records += seen.records;
      }
      rows.push_back(std::move(row));
    });
  }
  const std::size_t shown = std::min(rows.size(), kTopicsShown);
  std::partial_sort(
      rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(shown), rows.end(),
      [](const Row& a, const Row& b) { return a.size != b.size ? a.size > b.size : a.name < b.name; });
  JsonWriter writer;
  writer.begin_object().field("count", rows.size()).begin_array("topics");
  for (std::size_t i = 0; i < shown; ++i)
    writer.begin_object()
        .field("name", rows[i].name)
        .field("partitions", rows[i].partitions)
        .field("size_bytes", rows[i].size)
        .field("records", rows[i].records)
        .end();
  return json(writer.end().end().take());
}

struct Path {
  std::string_view path;
  std::string_view what;  // for who asked for another
  Page (*page)(const Node& node);
};

constexpr std::array kPaths{
    Path{"/", "the live page", &live},
    Path{"/status.txt", "what is held, where, and what was decided, for people",
         [](const Node& node) { return text(status_text(node.status())); }},
    Path{"/pools.txt", "allocators and pools",
         [](const Node& node) { return text(pools_text(collect_pools(node))); }},
    Path{"/cache.txt", "what the cache is worth, and what would make it better", &cache},
    Path{"/cache/curve.txt", "its hit rate by memory, drawn",
         [](const Node& node) { return text(cache_curve_text(node.cache.analysis(false))); }},
    Path{"/metrics", "for Prometheus", &metrics},
    Path{"/healthz", "ok, as long as it serves", [](const Node&) { return text("ok\n"); }},
    Path{"/api/v1/status", "/status.txt as JSON",
         [](const Node& node) { return json(status_json(node.status())); }},
    Path{"/api/v1/pools", "/pools.txt as JSON",
         [](const Node& node) { return json(pools_json(collect_pools(node))); }},
    Path{"/api/v1/cache", "/cache.txt as JSON",
         [](const Node& node) {
           return json(cache_json(forecast(node), node.pace.figures(), level_status(node.lower.get())));
         }},
    Path{"/api/v1/topics", "the log's largest topics, as JSON", &topics},
    Path{"/api/v1/history", "the last fifteen minutes, second by second, as JSON",
         [](const Node& node) { return json(timeline_json(node.timeline.after(0))); }},
};

}  // namespace

bool takes_long(std::string_view path) { return path == "/cache.txt" || path == "/api/v1/cache"; }

Page page_for(const Node& node, std::string_view path) {
  Table others({{}, {}});
  for (const Path& known : kPaths) {
    if (known.path == path) return known.page(node);
    others.row({std::string(known.path), std::string(known.what)});
  }
  others.row({std::string(kEventsPath), "status and history once a second, as server-sent events"});
  return {.status = 404, .body = "There is nothing at this path. These are here:\n\n" + others.text()};
}

}  // namespace plimsoll
