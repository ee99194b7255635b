// The names of Redis's CONFIG that Plimsoll knows, and what they are here.
//
// Tools ask for some settings before they do anything (redis-benchmark for save and appendonly, consoles for
// maxmemory and databases); those are answered with what is true. What can be set while the server runs is
// translated to a setting.
//
// Thread-safety: pure functions. Cost: some 20 short strings. Limits: none. Errors: the reason, in Redis's
// words, without the part that the command puts in front. Ownership: none.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {

// As Redis calls it: "allkeys-lru", "allkeys-lfu", "noeviction"; ours by their own names.
std::string redis_policy(FullCache policy);

// Every name that is known with its value. `resp_port`: as it was bound.
std::vector<std::pair<std::string, std::string>> redis_config(const Settings& settings, Bytes line,
                                                              std::uint16_t resp_port);

// The setting (a name of setting_keys(), which is live) and its value that CONFIG SET `name` `value` stands
// for; an empty name where there is nothing to do, as the value is what it is already.
struct SettingChange {
  std::string_view name;
  std::string value;
};
tl::expected<SettingChange, std::string> setting_change(const Settings& settings, Bytes line,
                                                        std::string_view name, std::string_view value);

}  // namespace plimsoll
