#include "plimsoll/cli/top_look.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace plimsoll {
namespace {

using Json = nlohmann::json;

// A server of another version may leave a field away or have it otherwise, so asking never fails: what is not
// there is null, and null is empty, zero and false.
const Json& part(const Json& of, const char* name) {
  static const Json null;
  const auto found = of.find(name);
  return found == of.end() ? null : *found;
}
template <typename... Names>
const Json& part(const Json& of, const char* name, Names... names) {
  return part(part(of, name), names...);
}
std::string_view text_of(const Json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : std::string_view{};
}
double number_of(const Json& value) { return value.is_number() ? value.get<double>() : 0; }
// 0 for what is negative, too large or no whole number.
std::uint64_t count_of(const Json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}
// Nothing for what is no list.
const Json::array_t& list_of(const Json& value) {
  static const Json::array_t nothing;
  return value.is_array() ? value.get_ref<const Json::array_t&>() : nothing;
}

std::string harmless(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) c = c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

Bytes bytes_of(const Json& value) { return Bytes(std::min(count_of(value), Bytes::kMax)); }

TopAccount read_account(const Json& from) {
  TopAccount account;
  account.name = harmless(text_of(part(from, "name")));
  account.parent = harmless(text_of(part(from, "parent")));
  account.droppable = text_of(part(from, "kind")) == "droppable";
  account.used = bytes_of(part(from, "used_bytes"));
  account.guarantee = bytes_of(part(from, "guarantee_bytes"));
  if (!part(from, "maximum_bytes").is_null()) account.maximum = bytes_of(part(from, "maximum_bytes"));
  return account;
}

TopCounters read_counters(const Json& status) {
  const Json& cache = part(status, "cache");
  const Json& connections = part(status, "connections");
  const Json& log = part(status, "log");
  return {.commands = count_of(part(connections, "commands")),
          .http_requests = count_of(part(connections, "http_requests")),
          .received = count_of(part(connections, "received_bytes")),
          .sent = count_of(part(connections, "sent_bytes")),
          .hits = count_of(part(cache, "hits")),
          .misses = count_of(part(cache, "misses")),
          .evicted = count_of(part(cache, "evicted")),
          .refused = count_of(part(cache, "refused")),
          .appended = count_of(part(log, "appended_bytes")),
          .fetched = count_of(part(log, "fetched_bytes"))};
}

// Seconds between the looks, zero where they cannot be compared.
double between(const TopLook& before, const TopLook& now) {
  if (before.process != now.process || now.uptime_s <= before.uptime_s) return 0;
  return now.uptime_s - before.uptime_s;
}

}  // namespace

Result<TopLook> read_look(std::string_view status_json) {
  const Json status = Json::parse(status_json, nullptr, /*allow_exceptions=*/false);
  if (status.is_discarded()) return fail(ErrorCode::kInvalid, "what answers there is no JSON");
  const Json& memory = part(status, "memory");
  if (!memory.is_object() || !part(status, "level").is_object())
    return fail(ErrorCode::kInvalid, "what answers there is not Plimsoll's status");
  TopLook look;
  look.version = harmless(text_of(part(status, "version")));
  look.process = count_of(part(status, "process"));
  look.uptime_s = number_of(part(status, "uptime_seconds"));
  look.time_s = number_of(part(status, "time_ms")) / 1e3;
  look.level = harmless(text_of(part(status, "level", "name")));
  look.level_number = count_of(part(status, "level", "number"));
  look.undroppable = number_of(part(status, "level", "undroppable_ratio"));
  look.governed = part(status, "governor", "on") == true;
  look.response = harmless(text_of(part(status, "governor", "response")));
  look.limit = bytes_of(part(memory, "limit_bytes"));
  look.line = bytes_of(part(memory, "line_bytes"));
  look.charged = bytes_of(part(memory, "charged_bytes"));
  look.free = bytes_of(part(memory, "free_bytes"));
  look.droppable = bytes_of(part(memory, "droppable_bytes"));
  for (const Json& account : list_of(part(status, "accounts")))
    look.accounts.push_back(read_account(account));
  look.counters = read_counters(status);
  look.items = count_of(part(status, "cache", "items"));
  const Json& connections = part(status, "connections");
  for (const char* kind : {"resp", "kafka", "http"}) look.connections += count_of(part(connections, kind));
  look.has_log = !part(status, "log").is_null();
  for (const Json& event : list_of(part(status, "events"))) {
    const std::uint64_t ms =
        std::min<std::uint64_t>(count_of(part(event, "time_ms")), std::uint64_t{1} << 52);
    look.events.push_back({static_cast<std::int64_t>(ms), harmless(text_of(part(event, "sentence")))});
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
