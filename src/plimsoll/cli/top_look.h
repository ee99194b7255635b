// TopLook: what one answer of a server's status says, as far as `plimsoll top` shows it, and what changed
// between two.
//
// Why its own type: the answer comes from another process, perhaps of another version. What it leaves away is
// empty here, and its texts are made harmless, so that no server can write on a terminal by them.
//
// Thread-safety: values. Cost: about 5 KiB. Limits: texts in ASCII; other bytes become '?'. Errors: kInvalid
// (no JSON, or no status). Ownership: copies all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

struct TopAccount {
  std::string name;
  std::string parent;  // empty: directly under the line
  bool droppable = false;
  Bytes used;
  Bytes guarantee;
  std::optional<Bytes> maximum;  // nothing: the line
};

struct TopEvent {
  std::int64_t wall_ms = 0;
  std::string sentence;
};

struct TopCounters {
  std::uint64_t commands = 0, http_requests = 0, received = 0, sent = 0;
  std::uint64_t hits = 0, misses = 0, evicted = 0, refused = 0;
  std::uint64_t appended = 0, fetched = 0;  // of the log
};

struct TopLook {
  std::string version;
  std::uint64_t process = 0;
  double uptime_s = 0;
  double time_s = 0;  // of the server's clock
  std::string level;
  std::uint64_t level_number = 0;
  double undroppable = 0;  // share of the line
  bool governed = true;
  std::string response;
  Bytes limit, line, charged, free, droppable;
  std::vector<TopAccount> accounts;
  TopCounters counters;
  std::uint64_t items = 0, connections = 0;
  bool has_log = false;
  std::vector<TopEvent> events;  // oldest first
};

Result<TopLook> read_look(std::string_view status_json);

// Per second, between two looks.
struct TopRates {
  double commands = 0, http_requests = 0, received = 0, sent = 0, evicted = 0, refused = 0, appended = 0,
         fetched = 0;
  std::optional<double> hit_ratio;  // nothing: nobody read
};

// Nothing where the two are not of one process, in this order.
std::optional<TopRates> rates_between(const TopLook& before, const TopLook& now);
// Of an account's used bytes per second; nothing where rates are nothing, or it was not there.
std::optional<double> change_of(const TopAccount& account, const TopLook& before, const TopLook& now);

}  // namespace plimsoll
