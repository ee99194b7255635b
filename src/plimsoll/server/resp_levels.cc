// RespConnection above a level below memory: nothing here runs where there is none.
#include <utility>

#include "plimsoll/server/internal/level_keys.h"
#include "plimsoll/server/level_wait.h"
#include "plimsoll/server/resp_connection.h"

namespace plimsoll {
namespace {

// A level that lets a writer wait longer is not waited for again until it was begun anew.
constexpr std::chrono::seconds kWriterWaits{2};

}  // namespace

bool RespConnection::needs_fetch(CommandContext& context) {
  if (!node_.lower || resume_value_ || context.kept) return false;
  keys_below(context, to_fetch_);
  return !to_fetch_.empty();
}

// A key that memory gives up again before its command runs is looked for once; then the command runs without.
asio::awaitable<void> RespConnection::fetch_keys() {
  const std::vector<std::string> keys = std::exchange(to_fetch_, {});
  fetched_ = true;
  const StartLevelWait start = [&](const std::shared_ptr<LevelWait>& wait) {
    for (const std::string& key : keys) node_.lower->fetch(key, node_.cache.hash_of(key), wait);
  };
  const bool came =
      co_await wait_for_level(loop_, start, node_.clock.monotonic_now() + node_.settings.level_wait);
  if (!came) node_.lower->gave_up(false);
}

void RespConnection::note_writes() {
  const LowerLevel::Barrier barrier = LowerLevel::take_barrier();
  if (barrier.empty() || node_.lower->reached(barrier)) return;
  barrier_.merge(barrier);
  output_.hold_back(true);
}

// What the client is told is true after a crash, too: the older values are erased below before it hears.
asio::awaitable<void> RespConnection::settle() {
  const LowerLevel::Barrier barrier = std::exchange(barrier_, {});
  output_.park();
  keep_input();
  const StartLevelWait start = [&](const std::shared_ptr<LevelWait>& wait) {
    node_.lower->wait_for(barrier, wait);
  };
  const bool done = co_await wait_for_level(loop_, start, node_.clock.monotonic_now() + kWriterWaits);
  if (!done) node_.lower->gave_up(true);
  output_.hold_back(false);
}

}  // namespace plimsoll
