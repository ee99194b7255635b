#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "plimsoll/base/text.h"
#include "plimsoll/report/table.h"
#include "plimsoll/server/cache_page.h"
#include "plimsoll/server/status.h"
#include "plimsoll/server/version.h"

namespace plimsoll {

std::string per_cent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string rate_text(double bytes_per_second) {
  if (bytes_per_second < 512) return "-";
  return format_bytes(Bytes(static_cast<std::uint64_t>(bytes_per_second))) + "/s";
}

std::string growth_text(const std::optional<double>& bytes_per_second) {
  if (!bytes_per_second) return "?";
  const double size = std::abs(*bytes_per_second);
  if (size < 512) return "-";
  return (*bytes_per_second < 0 ? "-" : "+") + rate_text(size);
}

std::string read_times_text(const Pace::Figures& pace) {
  auto times = [](const char* what, const Pace::Quantiles& of) {
    if (of.timed == 0) return "no " + std::string(what) + " timed yet";
    auto shown = [](std::uint64_t ns) { return format_duration(Duration(static_cast<std::int64_t>(ns))); };
    return std::string(what) + " in " + shown(of.p50_ns) + " (p50), " + shown(of.p99_ns) + " (p99)";
  };
  return times("hits", pace.hits) + "; " + times("misses", pace.misses);
}

namespace {

std::string time_of_day(std::int64_t wall_ms) {
  std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

std::string endpoint(const std::string& address, std::uint16_t port) {
  bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::string rate_words(const Flow::Rates& flow) {
  auto shown = [](const std::string& rate) { return rate == "-" ? "nothing" : rate; };
  return shown(rate_text(flow.charged)) + " charged and " + shown(rate_text(flow.released)) +
         " released lately; growth over the last minute: " +
         (flow.growth ? shown(growth_text(flow.growth)) : "not known yet");
}

std::string memory_lines(const Status& s) {
  const Governor::Snapshot& seen = s.governor;
  Table table({{}, {}});
  table.row({"level", std::string(name_of(seen.sample.level)) + ": " + per_cent(s.pressure()) +
                          " of the line cannot be dropped at once"});
  table.row({"limit", format_bytes(s.limit) + ": " + seen.limit.words});
  table.row({"line", format_bytes(s.line) + ", a reserve of " + format_bytes(s.reserve) + " below the limit" +
                         (s.enforcing ? "" : "; NOT HELD: the governor is off")});
  table.row({"charged", format_bytes(s.charged) + ", at most " + format_bytes(s.highest_charged) +
                            " so far; " + format_bytes(s.free()) + " free"});
  table.row({"flow", rate_words(s.flow)});
  table.row({"held", format_bytes(seen.sample.held) + " as measured, of which " +
                         format_bytes(seen.sample.other) + " nobody charged (account other)"});
  table.row({"resident", format_bytes(seen.slow.process.resident) + ": anonymous " +
                             format_bytes(seen.slow.process.anonymous) + ", mapped files " +
                             format_bytes(seen.slow.process.file)});
  table.row({"response", std::string(name_of(seen.response)) + "; " + format_bytes(seen.reclaimed) +
                             " given back so far"});
  return table.text();
}

std::string account_table(const Status& s) {
  Table table({{"account"},
               {"used", Align::kRight},
               {"peak", Align::kRight},
               {"charged", Align::kRight},
               {"released", Align::kRight},
               {"growth", Align::kRight},
               {"guarantee", Align::kRight},
               {"maximum", Align::kRight},
               {"pinned", Align::kRight},
               {"refused", Align::kRight},
               {"kind"}});
  auto shown = [](Bytes bytes) { return bytes.zero() ? "-" : format_bytes(bytes); };
  auto add = [&](const AccountStatus& a) {
    table.row({a.parent.empty() ? a.name : "  " + a.name, format_bytes(a.used), format_bytes(a.peak),
               rate_text(a.flow.charged), rate_text(a.flow.released), growth_text(a.flow.growth),
               shown(a.guarantee), a.maximum ? format_bytes(*a.maximum) : "the line", shown(a.pinned),
               a.refused == 0 ? "-" : format_count(a.refused), std::string(name_of(a.kind))});
  };
  for (const AccountStatus& account : s.accounts) {
    if (!account.parent.empty()) continue;
    add(account);
    for (const AccountStatus& child : s.accounts) {
      if (child.parent == account.name) add(child);
    }
  }
  table.row({"all", format_bytes(s.charged)});
  return table.text();
}

std::string level_lines(const Status& s) {
  if (!s.level) return {};
  constexpr std::size_t kColumn = 13;
  std::string title = s.level->name + " level";
  title.resize(std::max(kColumn, title.size() + 2), ' ');
  return title + level_words(*s.level, kColumn) + "\n";
}

std::string pace_line(const Pace::Figures& pace) {
  return "             " + read_times_text(pace) + "; lately " + format_count(pace.per_second.evicted) +
         " evicted and " + format_count(pace.per_second.expired) + " expired a second\n";
}

std::string cache_lines(const Status& s) {
  const ByteCache::Stats& c = s.cache;
  std::uint64_t reads = c.hits + c.misses;
  std::string hit_rate = reads == 0 ? "no reads yet"
                                    : per_cent(static_cast<double>(c.hits) / static_cast<double>(reads)) +
                                          " of " + format_count(reads) + " reads hit";
  const std::string compression = compression_words(c, s.settings.compression);
  return "cache        " + format_count(c.items) + " keys (" + format_count(c.expiring) +
         " with a time to live), " + format_bytes(c.payload) + " of keys and values; " + hit_rate +
         "\n             " + format_count(c.evicted) + " evicted, " + format_count(c.expired) + " expired, " +
         format_count(c.refused) + " writes refused; " +
         (s.policy.evicts ? "a full cache evicts by " + std::string(name_of(s.policy))
                          : "a full cache refuses") +
         "\n" + (compression.empty() ? "" : "             " + compression + "\n") + pace_line(s.pace);
}

std::string advice_lines(const Status& s) {
  std::string text;
  if (!s.analysis.known()) return text;
  for (const std::string& line : cache_advice(s.analysis)) text += "             advice: " + line + "\n";
  return text;
}

std::string log_lines(const Status& s) {
  if (!s.log) return "log          none; --data-dir FOLDER says where it is to be kept\n";
  const LogStore::Stats& l = s.log->store;
  const Broker::Stats& b = s.log->broker;
  std::string text = "log          " + format_count(l.topics) + " topics, " + format_count(l.partitions) +
                     " partitions, of which " + format_count(l.partitions_open) +
                     " were used: " + format_bytes(l.bytes) + " in " + format_count(l.segments) +
                     " segments\n";
  text += "             " + format_count(l.records) + " records in, " + format_bytes(l.appended) + "; " +
          format_bytes(Bytes(b.fetched_bytes)) + " out; " + format_count(b.fetches_waiting) +
          " fetches wait; " + format_bytes(l.page_cache) + " of open files in the page cache\n";
  text += "             " + format_count(l.syncs) + " syncs (" + fsync_words(s.settings) + "), " +
          format_count(l.failed_syncs) + " failed; " + format_count(b.throttled_requests) +
          " requests paused, " + format_count(b.produce_refused) + " produce requests refused\n";
  return text;
}

std::string connection_lines(const Status& s) {
  const TrafficStatus& t = s.traffic;
  std::string text = "connections  " + format_count(t.connections) + " RESP, " +
                     format_count(t.kafka_connections) + " Kafka, " + format_count(t.http_connections) +
                     " HTTP; " + format_count(t.accepted) + " accepted so far, " +
                     format_count(t.connections_refused) + " refused\n             " +
                     format_count(t.commands) + " commands, " + format_bytes(Bytes(t.bytes_received)) +
                     " in, " + format_bytes(Bytes(t.bytes_sent)) + " out\n";
  text += "             closed: " + format_count(t.readers_closed) + " that did not read, " +
          format_count(t.bodies_closed) + " that sent too slowly, " + format_count(t.protocol_errors) +
          " that were malformed; " + format_count(t.bodies_refused) + " large values refused\n";
  return text;
}

std::string wait_lines(const Status& s) {
  if (s.waits.empty()) return {};
  Table table(
      {{"wait for"}, {"granted", Align::kRight}, {"timed out", Align::kRight}, {"in all", Align::kRight}});
  for (const WaitStatus& wait : s.waits) {
    table.row({wait.cause, format_count(wait.stats.granted), format_count(wait.stats.timed_out),
               format_duration(wait.stats.total)});
  }
  return "\n" + table.text();
}

std::string event_lines(const Status& s) {
  if (s.events.empty()) return "\nNo events yet.\n";
  std::string text = "\nEvents, the newest last (UTC):\n";
  for (const Event& event : s.events)
    text += "  " + time_of_day(event.wall_ms) + "  " + event.sentence() + "\n";
  return text;
}

}  // namespace

std::string status_text(const Status& s) {
  std::string text = "Plimsoll " + std::string(kVersion) + ", up " + format_duration(s.uptime) +
                     ", process " + std::to_string(s.process) + ", RESP " +
                     endpoint(s.settings.bind, s.resp_port) +
                     (s.log ? ", Kafka " + endpoint(s.settings.bind, s.kafka_port) : "") + ", HTTP " +
                     endpoint(s.settings.bind, s.http_port) + "\n\n";
  return text + memory_lines(s) + "\n" + account_table(s) + "\n" + cache_lines(s) + level_lines(s) +
         advice_lines(s) + log_lines(s) + connection_lines(s) + wait_lines(s) + event_lines(s);
}

}  // namespace plimsoll
