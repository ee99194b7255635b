#include "plimsoll/server/cache_page.h"

#include <cstdio>

#include "plimsoll/base/text.h"
#include "plimsoll/report/json_writer.h"
#include "plimsoll/report/table.h"
#include "plimsoll/server/status.h"

namespace plimsoll {
namespace {

std::string printable(std::string_view key) {
  std::string text;
  for (char c : key) {
    char escaped[8];
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
      text += escaped;
    }
  }
  return text;
}

std::string hot_lines(const CacheAnalysis& a) {
  if (a.hot.empty()) return {};
  Table table({{"hot key"}, {"of reads", Align::kRight}});
  for (const HotKey& hot : a.hot) table.row({printable(hot.key), per_cent(hot.share)});
  return "\n" + table.text();
}

std::string level_text(const std::optional<LevelStatus>& level) {
  if (!level) return {};
  const std::string title = "below (" + level->name + ")  ";
  return title + level_words(*level, title.size()) + "\n";
}

std::string policy_lines(const CacheAnalysis& a) {
  std::string text;
  for (const PolicyForecast& forecast : a.policies) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(forecast.policy)) + " " +
            per_cent(a.objective == Objective::kBytes ? forecast.byte_hit_rate : forecast.hit_rate) +
            (forecast.policy == a.policy ? " (now)" : "");
  }
  return text;
}

std::uint64_t count_of(double n) { return static_cast<std::uint64_t>(n); }

}  // namespace

std::string compression_words(const ByteCache::Stats& s, Compression compression) {
  if (compression == Compression::kOff && s.packed == 0) return {};
  const std::string codec(compression == Compression::kOff ? "off now" : name_of(compression));
  char figures[64];
  if (s.packed == 0) {
    std::string text = codec + ": nothing is compressed yet, as nothing had to give way";
    if (s.compression.did_not_pay > 0)
      text = codec + ": of " + format_count(s.compression.did_not_pay) +
             " values none would save an eighth. CONFIG SET compression off saves the time";
    return text;
  }
  std::snprintf(figures, sizeof figures, "%.2f", s.compression_gain());
  std::string text = codec + " holds " + figures + " times the items: " + format_count(s.packed) + " of " +
                     format_count(s.items) + " are compressed and save " + format_bytes(s.saved);
  std::snprintf(figures, sizeof figures, "%.1f us", s.compression.unpack_microseconds);
  if (s.compression.unpack_microseconds > 0)
    text += std::string("; a read of one takes ") + figures + " more";
  return text + "; " + format_count(s.compression.did_not_pay) + " attempts did not pay";
}

std::string cache_text(const CacheAnalysis& a, const Pace::Figures& pace, const std::string& compression,
                       const std::optional<LevelStatus>& level) {
  Table table({{}, {}});
  const std::uint64_t reads = a.hits + a.misses;
  table.row({"hit rate", per_cent(a.on         ? a.hit_rate
                                  : reads == 0 ? 0
                                               : static_cast<double>(a.hits) / static_cast<double>(reads)) +
                             " lately; " + format_count(a.hits) + " of " + format_count(reads) +
                             " reads hit so far"});
  table.row({"reads", read_times_text(pace) + " (one in " + std::to_string(Pace::kOneIn) + " is timed)"});
  table.row({"evicted", format_count(pace.per_second.evicted) + " a second lately, beside " +
                            format_count(pace.per_second.hits + pace.per_second.misses) + " reads"});
  table.row({"payload", format_bytes(a.payload) + " of keys and values in " + format_bytes(a.held) + ": " +
                            per_cent(a.payload_ratio())});
  if (!compression.empty()) table.row({"compression", compression});
  if (a.on) {
    table.row({"saved", "about " + format_bytes(Bytes::clamped(static_cast<std::int64_t>(a.saved_bytes))) +
                            " of values that were not fetched elsewhere"});
    table.row({"sample", format_count(a.sampled_keys) + " keys, one in " +
                             format_count(count_of(a.sample_rate > 0 ? 1 / a.sample_rate : 0)) + ", in " +
                             format_bytes(a.memory) + "; of " + format_count(count_of(a.reads)) + " reads"});
  }
  if (a.known()) {
    const AccessPattern& p = a.pattern;
    table.row({"pattern", "recency " + per_cent(p.recency) + ", frequency " + per_cent(p.frequency) +
                              ", loop " + per_cent(p.loop) + ", scan " + per_cent(p.scan) +
                              ", other new keys " + per_cent(p.first_time)});
    table.row({"unread", per_cent(a.never_read_again) + " of items were never read again"});
    table.row({"memory", "with half of it " + per_cent(a.half_hit_rate) + " would hit, with twice " +
                             per_cent(a.twice_hit_rate)});
    if (!a.policies.empty())
      table.row({"policies", policy_lines(a) + (a.objective == Objective::kBytes ? ", of bytes" : "")});
  }
  std::string text = table.text() + level_text(level) + (a.known() ? hot_lines(a) : "") + "\nAdvice:\n";
  for (const std::string& line : cache_advice(a)) text += "  " + line + "\n";
  return text;
}

std::string cache_curve_text(const CacheAnalysis& a) {
  if (!a.known()) return cache_advice(a).front() + "\n";
  return "Hit rate by memory for items, if the least recently used gives way:\n\n" + curve_text(a);
}

std::string cache_json(const CacheAnalysis& a, const Pace::Figures& pace,
                       const std::optional<LevelStatus>& level) {
  JsonWriter json;
  json.begin_object()
      .field("on", a.on)
      .field("known", a.known())
      .field("policy", name_of(a.policy))
      .field("hits", a.hits)
      .field("misses", a.misses)
      .field("hit_ratio", a.hit_rate)
      .field("hit_p50_ns", pace.hits.p50_ns)
      .field("hit_p99_ns", pace.hits.p99_ns)
      .field("miss_p50_ns", pace.misses.p50_ns)
      .field("miss_p99_ns", pace.misses.p99_ns)
      .field("evicted_per_second", pace.per_second.evicted)
      .field("saved_bytes", a.saved_bytes)
      .field("payload_bytes", a.payload)
      .field("held_bytes", a.held)
      .field("payload_ratio", a.payload_ratio())
      .field("sample_ratio", a.sample_rate)
      .field("sampled_keys", a.sampled_keys)
      .field("sample_bytes", a.memory)
      .field("reads_analysed", a.reads)
      .field("never_read_again_ratio", a.never_read_again)
      .field("half_memory_hit_ratio", a.half_hit_rate)
      .field("twice_memory_hit_ratio", a.twice_hit_rate);
  json.begin_object("pattern")
      .field("recency_ratio", a.pattern.recency)
      .field("frequency_ratio", a.pattern.frequency)
      .field("loop_ratio", a.pattern.loop)
      .field("scan_ratio", a.pattern.scan)
      .field("first_time_ratio", a.pattern.first_time)
      .end();
  json.begin_array("curve");
  for (const CurvePoint& p : a.curve)
    json.begin_object()
        .field("times", p.times)
        .field("hit_ratio", p.hit_rate)
        .field("hit_ratio_by_items", p.hit_rate_by_items)
        .end();
  json.end().begin_array("policies");
  for (const PolicyForecast& p : a.policies)
    json.begin_object()
        .field("policy", name_of(p.policy))
        .field("hit_ratio", p.hit_rate)
        .field("byte_hit_ratio", p.byte_hit_rate)
        .end();
  json.end().begin_array("hot_keys");
  for (const HotKey& h : a.hot)
    json.begin_object()
        .field("key", h.key)
        .field("reads_ratio", h.share)
        .field("reads_ratio_least", h.at_least)
        .end();
  json.end().begin_array("advice");
  for (const CacheAdvice& advice : a.advice) {
    json.begin_object()
        .field("what", advice.what)
        .field("evidence", advice.evidence)
        .field("command", advice.command)
        .field("hit_ratio_gain", advice.gain)
        .end();
  }
  json.end();
  write_level(json, level);
  return json.end().take();
}

}  // namespace plimsoll
