#include "plimsoll/server/facts.h"

#include "plimsoll/server/info.h"
#include "plimsoll/server/redis_config.h"
#include "plimsoll/wire/glob.h"

namespace plimsoll {

std::string Facts::info(std::string_view section) const { return info_text(node_.status(), section); }

// A batch holds its loop's sessions still, and this is called from within one: it lets go of its own
// meanwhile, or two clients that ask at once would wait for each other.
std::vector<std::string> Facts::client_lines() const PLIMSOLL_NO_THREAD_SAFETY_ANALYSIS {
  Loop* own = Loop::current();
  if (own != nullptr) own->mutex.unlock();
  std::vector<std::string> lines;
  const MonotonicTime now = node_.clock.monotonic_now();
  for (const auto& loop : loops_) {
    loop->with_members([&](const LoopMember& member) {
      if (member.session() != nullptr) lines.push_back(member.line(now));
    });
  }
  if (own != nullptr) own->mutex.lock();
  return lines;
}

std::vector<std::pair<std::string, std::string>> Facts::config_get(std::string_view glob) const {
  auto all = redis_config(node_.current_settings(), node_.line.line(), node_.resp_port);
  std::erase_if(all, [&](const auto& pair) { return !glob_matches(glob, pair.first, GlobCase::kIgnore); });
  return all;
}

std::string Facts::config_set(std::string_view name, std::string_view value) {
  auto change = setting_change(node_.current_settings(), node_.line.line(), name, value);
  if (!change) return change.error();
  return change->name.empty() ? std::string() : node_.set_now(change->name, change->value);
}

}  // namespace plimsoll
