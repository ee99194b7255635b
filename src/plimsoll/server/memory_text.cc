#include "plimsoll/server/memory_text.h"

#include "plimsoll/base/text.h"
#include "plimsoll/report/table.h"

namespace plimsoll {
namespace {

constexpr double kPressed = 0.9;     // of the line, by what cannot be dropped
constexpr double kFragmented = 1.5;  // resident memory for each byte that is charged
constexpr double kMissing = 0.5;     // of reads

}  // namespace

std::string advice_text(const Status& s) {
  std::string text;
  const auto say = [&](const std::string& line) { text += "* " + line + "\n"; };
  if (s.pressure() > kPressed) {
    say("What cannot be dropped takes " + per_cent(s.pressure()) +
        " of the line: writes will be refused. Raise the limit, or look at MEMORY MALLOC-STATS for who holds "
        "it.");
  }
  if (s.cache.refused > 0 && !s.policy.evicts) {
    say(std::to_string(s.cache.refused) +
        " writes were refused because the cache is full and does not evict. CONFIG SET maxmemory-policy "
        "adaptive lets it.");
  }
  const std::uint64_t reads = s.cache.hits + s.cache.misses;
  const double missed = reads == 0 ? 0 : static_cast<double>(s.cache.misses) / static_cast<double>(reads);
  if (s.cache.evicted > 0 && missed > kMissing) {
    say(per_cent(missed) +
        " of reads find nothing while keys are evicted: the memory is small for this load.");
  }
  for (const CacheAdvice& advice : s.analysis.advice) say(with_command(advice));
  const Bytes resident = s.governor.slow.process.resident;
  if (s.charged > 64_MiB && ratio(resident, s.charged) > kFragmented) {
    say("The process holds " + format_bytes(resident) + " for " + format_bytes(s.charged) +
        " that are charged. MEMORY PURGE gives back what nobody uses.");
  }
  if (s.traffic.readers_closed > 0) {
    say(std::to_string(s.traffic.readers_closed) +
        " clients were closed because they did not read their replies while memory was short.");
  }
  return text.empty() ? "Nothing is wrong with memory.\n" : text;
}

std::string accounts_text(const Status& s) {
  Table table({{"account"}, {"used", Align::kRight}, {"peak", Align::kRight}, {"refused", Align::kRight}});
  for (const AccountStatus& account : s.accounts) {
    table.row({account.name, format_bytes(account.used), format_bytes(account.peak),
               std::to_string(account.refused)});
  }
  table.row({"free", format_bytes(s.free()), "", ""});
  return table.text();
}

}  // namespace plimsoll
