// MULTI and EXEC, and the keys that are watched until then.
//
// EXEC runs alone: no command of another client comes between its own. Whether a watched key was written is
// known from the cache's watches; whether it was evicted or expired, by looking whether it is still there.
#include <string>
#include <utility>
#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

Transaction& transaction_of(Session& session) {
  if (!session.transaction) session.transaction = std::make_unique<Transaction>();
  return *session.transaction;
}

// Empty when it is refused, and then an error is replied.
Charge charge(CommandContext& context, const Transaction& transaction, Bytes bytes) {
  Charge more;
  if (transaction.charged() + bytes <= context.server.transaction_maximum()) {
    more = context.server.charge_transaction(bytes);
  }
  if (!more) context.reply.error(kOutOfMemory);
  return more;
}

bool watched_changed(CommandContext& context, Transaction& transaction) {
  if (transaction.touched()) return true;
  for (const Transaction::Watched& watched : transaction.watched()) {
    if (watched.existed && !context.lock(watched.key, watched.database).exists()) return true;
  }
  return false;
}

void run_queued(CommandContext& context, Transaction& transaction) {
  if (watched_changed(context, transaction)) return context.reply.null_array();
  const std::string_view own_name = context.session.last_command;
  context.reply.array(transaction.count());
  std::vector<std::string_view> args;
  for (auto& requests = transaction.requests(); !requests.empty(); requests.pop_front()) {
    Transaction::Request& request = requests.front();
    request.arguments(args);
    CommandContext inner{.args = args,
                         .bodies = request.bodies(),
                         .reply = context.reply,
                         .cache = context.cache,
                         .databases = context.databases,
                         .server = context.server,
                         .session = context.session,
                         .now_ms = context.now_ms,
                         .default_ttl_ms = context.default_ttl_ms,
                         .is_alone = true};
    const Command* command = requested_command(args);
    context.session.last_command = command->name;
    const Progress progress = command->run(inner);
    PLIMSOLL_CHECK(progress == Progress::kDone, "a command of a transaction paused");
  }
  context.session.last_command = own_name;
}

}  // namespace

Progress queue_command(CommandContext& context) {
  Transaction& transaction = *context.session.transaction;
  Charge more = charge(context, transaction, Transaction::Request::size(context.args, context.bodies));
  if (!more) {
    transaction.fail();
    return Progress::kDone;
  }
  transaction.hold(std::move(more));
  transaction.add(context.args, context.bodies);
  context.reply.raw("+QUEUED\r\n");
  return Progress::kDone;
}

Progress multi_command(CommandContext& context) {
  if (context.session.queues()) return refuse(context, "ERR MULTI calls can not be nested");
  transaction_of(context.session).begin();
  context.reply.ok();
  return Progress::kDone;
}

Progress discard_command(CommandContext& context) {
  if (!context.session.queues()) return refuse(context, "ERR DISCARD without MULTI");
  context.session.transaction.reset();
  context.reply.ok();
  return Progress::kDone;
}

Progress exec_command(CommandContext& context) {
  if (!context.session.queues()) return refuse(context, "ERR EXEC without MULTI");
  if (context.session.transaction->failed()) {
    context.session.transaction.reset();
    return refuse(context, "EXECABORT Transaction discarded because of previous errors.");
  }
  context.alone([&] {
    // The session has none while its commands run; until then, whoever was alone before could tell it of a
    // change.
    const std::unique_ptr<Transaction> transaction = std::move(context.session.transaction);
    run_queued(context, *transaction);
  });
  return Progress::kDone;
}

Progress watch_command(CommandContext& context) {
  if (context.session.queues()) return refuse(context, "ERR WATCH inside MULTI is not allowed");
  Transaction& transaction = transaction_of(context.session);
  for (std::string_view key : context.args.subspan(1)) {
    Charge more = charge(context, transaction, Bytes(key.size()) + Transaction::kWatched);
    if (!more) return Progress::kDone;
    std::string buffer;
    const unsigned database = context.session.database;
    if (!context.cache.watch(transaction.watcher(), context.databases.stored(database, key, buffer)))
      continue;
    // Locked after it is watched: a write is seen here, or told.
    const bool existed = context.lock(key).exists();
    transaction.hold(std::move(more));
    transaction.watched().push_back({std::string(key), database, existed});
  }
  context.reply.ok();
  return Progress::kDone;
}

Progress unwatch_command(CommandContext& context) {
  if (!context.session.queues()) context.session.transaction.reset();
  context.reply.ok();
  return Progress::kDone;
}

}  // namespace plimsoll
