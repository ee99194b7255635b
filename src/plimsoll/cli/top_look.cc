#include "plimsoll/cli/top_look.h"

#include <algorithm>

#include "plimsoll/report/json_reader.h"

namespace plimsoll {
namespace {

std::string harmless(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) c = c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

Bytes bytes_of(const JsonValue& value) { return Bytes(std::min(value.count(), Bytes::kMax)); }

TopAccount read_account(const JsonValue& from) {
  TopAccount account;
  account.name = harmless(from["name"].text());
  account.parent = harmless(from["parent"].text());
  account.droppable = from["kind"].text() == "droppable";
  account.used = bytes_of(from["used_bytes"]);
  account.guarantee = bytes_of(from["guarantee_bytes"]);
  if (!from["maximum_bytes"].null()) account.maximum = bytes_of(from["maximum_bytes"]);
  return account;
}

TopCounters read_counters(const JsonValue& status) {
  const JsonValue& cache = status["cache"];
  const JsonValue& connections = status["connections"];
  const JsonValue& log = status["log"];
  return {.commands = connections["commands"].count(),
          .http_requests = connections["http_requests"].count(),
          .received = connections["received_bytes"].count(),
          .sent = connections["sent_bytes"].count(),
          .hits = cache["hits"].count(),
          .misses = cache["misses"].count(),
          .evicted = cache["evicted"].count(),
          .refused = cache["refused"].count(),
          .appended = log["appended_bytes"].count(),
          .fetched = log["fetched_bytes"].count()};
}

// Seconds between the looks, zero where they cannot be compared.
double between(const TopLook& before, const TopLook& now) {
  if (before.process != now.process || now.uptime_s <= before.uptime_s) return 0;
  return now.uptime_s - before.uptime_s;
}

}  // namespace

Result<TopLook> read_look(std::string_view status_json) {
  const Result<JsonValue> read = JsonValue::parse(status_json);
  if (!read) return tl::unexpected(read.error());
  const JsonValue& status = *read;
  const JsonValue& memory = status["memory"];
  if (memory.kind() != JsonValue::Kind::kObject || status["level"].kind() != JsonValue::Kind::kObject)
    return fail(ErrorCode::kInvalid, "what answers there is not Plimsoll's status");
  TopLook look;
  look.version = harmless(status["version"].text());
  look.process = status["process"].count();
  look.uptime_s = status["uptime_seconds"].number();
  look.time_s = status["time_ms"].number() / 1e3;
  look.level = harmless(status["level"]["name"].text());
  look.level_number = status["level"]["number"].count();
  look.undroppable = status["level"]["undroppable_ratio"].number();
  look.governed = status["governor"]["on"].truth();
  look.response = harmless(status["governor"]["response"].text());
  look.limit = bytes_of(memory["limit_bytes"]);
  look.line = bytes_of(memory["line_bytes"]);
  look.charged = bytes_of(memory["charged_bytes"]);
  look.free = bytes_of(memory["free_bytes"]);
  look.droppable = bytes_of(memory["droppable_bytes"]);
  for (const JsonValue& account : status["accounts"].items()) look.accounts.push_back(read_account(account));
  look.counters = read_counters(status);
  look.items = status["cache"]["items"].count();
  const JsonValue& connections = status["connections"];
  for (const char* kind : {"resp", "kafka", "http"}) look.connections += connections[kind].count();
  look.has_log = !status["log"].null();
  for (const JsonValue& event : status["events"].items()) {
    const std::uint64_t ms = std::min<std::uint64_t>(event["time_ms"].count(), std::uint64_t{1} << 52);
    look.events.push_back({static_cast<std::int64_t>(ms), harmless(event["sentence"].text())});
  }
  return look;
}

std::optional<TopRates> rates_between(const TopLook& before, const TopLook& now) {
  const double seconds = between(before, now);
  if (seconds == 0) return std::nullopt;
  // A counter that was set back (CONFIG RESETSTAT) has no rate yet.
  auto rate = [&](std::uint64_t TopCounters::* of) {
    const std::uint64_t from = before.counters.*of, to = now.counters.*of;
    return to > from ? static_cast<double>(to - from) / seconds : 0;
  };
  TopRates rates;
  rates.commands = rate(&TopCounters::commands);
  rates.http_requests = rate(&TopCounters::http_requests);
  rates.received = rate(&TopCounters::received);
  rates.sent = rate(&TopCounters::sent);
  rates.evicted = rate(&TopCounters::evicted);
  rates.refused = rate(&TopCounters::refused);
  rates.appended = rate(&TopCounters::appended);
  rates.fetched = rate(&TopCounters::fetched);
  const double hits = rate(&TopCounters::hits), misses = rate(&TopCounters::misses);
  if (hits + misses > 0) rates.hit_ratio = hits / (hits + misses);
  return rates;
}

std::optional<double> change_of(const TopAccount& account, const TopLook& before, const TopLook& now) {
  const double seconds = between(before, now);
  if (seconds == 0) return std::nullopt;
  for (const TopAccount& was : before.accounts) {
    if (was.name == account.name && was.parent == account.parent)
      return (account.used.as_double() - was.used.as_double()) / seconds;
  }
  return std::nullopt;
}

}  // namespace plimsoll
