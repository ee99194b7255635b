#include <chrono>

#include "plimsoll/c/internal/handles.h"

using plimsoll::Account;
using plimsoll::AccountKind;
using plimsoll::Bytes;
using plimsoll::Charge;
using plimsoll::MutexLock;
using plimsoll::Result;
using plimsoll::c::fail;
using plimsoll::c::fail_null;
using plimsoll::c::fail_size;
using plimsoll::c::guarded;
using plimsoll::c::is_size;

plimsoll_line::plimsoll_line(std::unique_ptr<plimsoll::SystemProbe> found_by,
                             const plimsoll::FoundLimit& found)
    : probe(std::move(found_by)),
      line({.limit = plimsoll::limit_to_follow(found)}),
      idle(line.open({.name = "idle", .kind = AccountKind::kDroppable})),
      governor({.line = line, .probe = *probe, .board = board, .events = events}) {}

plimsoll_line::~plimsoll_line() { governor.stop(); }

bool plimsoll_line::has_account(std::string_view name) const {
  if (name == "line") return true;
  for (const Account* account : line.accounts())
    if (account->name() == name) return true;
  return false;
}

plimsoll::SlabAllocator& plimsoll_line::slabs_of(plimsoll_account& account) {
  MutexLock lock(mutex);
  if (!account.slabs) {
    account.slabs.emplace(plimsoll::SlabAllocator::Options{.account = account.account,
                                                           .idle = idle,
                                                           .pages = pages,
                                                           .line = line.line(),
                                                           .name = account.account.name()});
    governor.add(*account.slabs, idle);
  }
  return *account.slabs;
}

plimsoll_status plimsoll_line_open(const char* limit, plimsoll_line** line) {
  if (line == nullptr) return fail_null();
  *line = nullptr;
  return guarded([&] {
    auto probe = plimsoll::SystemProbe::open({.limit = {.line = limit != nullptr ? limit : ""}});
    if (!probe) return fail(probe.error());
    Result<plimsoll::FoundLimit> found = (*probe)->limit();
    if (!found) return fail(found.error());
    *line = std::make_unique<plimsoll_line>(std::move(*probe), *found).release();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_line_close(plimsoll_line* line) {
  if (line == nullptr) return fail_null();
  if (line->parts.load(std::memory_order_acquire) != 0)  // pairs with who closed the last of them
    return fail(PLIMSOLL_BUSY, "close the pools, arenas and caches of the line first");
  return guarded([&] {
    {
      MutexLock lock(line->mutex);
      // What is left in slabs is nobody's; the next arena makes new ones.
      for (plimsoll_account& account : line->accounts) {
        if (account.slabs) line->governor.remove(*account.slabs);
        account.slabs.reset();
      }
      for (const plimsoll_account& account : line->accounts)
        if (!account.account.used().zero())
          return fail(PLIMSOLL_BUSY, "release the charges of the line first");
    }
    const std::unique_ptr<plimsoll_line> ends(line);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_line_start(plimsoll_line* line) {
  if (line == nullptr) return fail_null();
  return guarded([&] {
    MutexLock lock(line->mutex);
    if (line->running) return fail(PLIMSOLL_BUSY, "the line's thread runs already");
    Result<void> started = line->governor.measure_runtime();
    if (started) started = line->governor.start();
    if (!started) return fail(started.error());
    line->running = true;
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_line_stop(plimsoll_line* line) {
  if (line == nullptr) return fail_null();
  return guarded([&] {
    MutexLock lock(line->mutex);
    line->governor.stop();
    line->running = false;
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_line_tick(plimsoll_line* line) {
  if (line == nullptr) return fail_null();
  return guarded([&] {
    MutexLock lock(line->mutex);
    if (line->running) return fail(PLIMSOLL_BUSY, "the line's thread looks by itself");
    line->governor.tick();
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_line_get_usage(plimsoll_line* line, plimsoll_line_usage* usage) {
  if (line == nullptr || usage == nullptr) return fail_null();
  return guarded([&] {
    const plimsoll::LoadLine& of = line->line;
    *usage = {.limit = of.limit().count(),
              .line = of.line().count(),
              .charged = of.charged().count(),
              .peak = of.peak().count(),
              .free = of.free().count(),
              .droppable = of.droppable().count(),
              .pressure = of.pressure(),
              .level = static_cast<int>(line->governor.snapshot().sample.level)};
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_account_open(plimsoll_line* line, plimsoll_account* parent, const char* name,
                                      plimsoll_kind kind, uint64_t guarantee, uint64_t maximum,
                                      plimsoll_account** account) {
  if (account != nullptr) *account = nullptr;
  if (line == nullptr || name == nullptr || account == nullptr) return fail_null();
  if (!plimsoll::c::is_name(name))
    return fail(PLIMSOLL_INVALID, "an account's name is 1 to 64 of a-z, 0-9 and _");
  if (kind < PLIMSOLL_DROPPABLE || kind > PLIMSOLL_PINNED)
    return fail(PLIMSOLL_INVALID, "there is no such kind of account");
  if (!is_size(guarantee) || !is_size(maximum)) return fail_size();
  if (guarantee > maximum)
    return fail(PLIMSOLL_OUT_OF_RANGE, "an account's guarantee is at most its maximum");
  if (parent != nullptr && &parent->line != line)
    return fail(PLIMSOLL_INVALID, "the account above is of another line");
  if (parent != nullptr && parent->account.kind() == AccountKind::kDroppable)
    return fail(PLIMSOLL_INVALID, "the account above is droppable, and has none below it");
  return guarded([&] {
    MutexLock lock(line->mutex);
    if (line->has_account(name)) return fail(PLIMSOLL_INVALID, "the line has an account of this name");
    Account& opened = line->line.open({.name = name,
                                       .kind = static_cast<AccountKind>(kind),
                                       .guarantee = Bytes(guarantee),
                                       .maximum = Bytes(maximum)},
                                      parent != nullptr ? &parent->account : nullptr);
    *account = &line->accounts.emplace_back(*line, opened);
    return PLIMSOLL_OK;
  });
}

plimsoll_status plimsoll_account_get_usage(const plimsoll_account* account, plimsoll_account_usage* usage) {
  if (account == nullptr || usage == nullptr) return fail_null();
  const Account& of = account->account;
  *usage = {.used = of.used().count(),
            .peak = of.peak().count(),
            .guarantee = of.guarantee().count(),
            .maximum = of.maximum().count(),
            .refused = of.refused()};
  return PLIMSOLL_OK;
}

plimsoll_status plimsoll_account_set_maximum(plimsoll_account* account, uint64_t maximum) {
  if (account == nullptr) return fail_null();
  if (!is_size(maximum)) return fail_size();
  if (maximum < account->account.guarantee().count())
    return fail(PLIMSOLL_OUT_OF_RANGE, "an account's maximum is at least its guarantee");
  account->account.set_maximum(Bytes(maximum));
  return PLIMSOLL_OK;
}

// --- charges
// -------------------------------------------------------------------------------------------------------

namespace {

plimsoll_status hand_out(plimsoll_account& account, Charge charge, plimsoll_charge& to) noexcept {
  if (!charge) return fail(PLIMSOLL_REFUSED, "the line or the account has no room for this now");
  to = {.account = &account, .bytes = charge.disown().count()};
  return PLIMSOLL_OK;
}

}  // namespace

plimsoll_status plimsoll_charge_take(plimsoll_account* account, uint64_t bytes, plimsoll_charge* charge) {
  if (charge != nullptr) *charge = {};
  if (account == nullptr || charge == nullptr) return fail_null();
  if (!is_size(bytes)) return fail_size();
  return hand_out(*account, account->account.charge(Bytes(bytes)), *charge);
}

plimsoll_status plimsoll_charge_take_before(plimsoll_account* account, uint64_t bytes, uint32_t timeout_ms,
                                            plimsoll_charge* charge) {
  if (charge != nullptr) *charge = {};
  if (account == nullptr || charge == nullptr) return fail_null();
  if (!is_size(bytes)) return fail_size();
  return guarded([&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    Result<Charge> granted = account->account.charge_before(Bytes(bytes), deadline);
    return granted ? hand_out(*account, std::move(*granted), *charge) : fail(granted.error());
  });
}

plimsoll_status plimsoll_charge_take_held(plimsoll_account* account, uint64_t bytes,
                                          plimsoll_charge* charge) {
  if (charge != nullptr) *charge = {};
  if (account == nullptr || charge == nullptr) return fail_null();
  if (!is_size(bytes)) return fail_size();
  return hand_out(*account, account->account.charge_held(Bytes(bytes)), *charge);
}

plimsoll_status plimsoll_charge_resize(plimsoll_charge* charge, uint64_t bytes) {
  if (charge == nullptr) return fail_null();
  if (charge->account == nullptr) return fail(PLIMSOLL_INVALID, "there is no charge to resize");
  if (!is_size(bytes)) return fail_size();
  Charge held = Charge::adopt(charge->account->account, Bytes(charge->bytes));
  bool granted = true;
  if (bytes > charge->bytes)
    granted = held.grow(Bytes(bytes - charge->bytes));
  else
    held.shrink(Bytes(charge->bytes - bytes));
  return hand_out(*charge->account, std::move(held), *charge) == PLIMSOLL_OK && granted
             ? PLIMSOLL_OK
             : fail(PLIMSOLL_REFUSED, "the line or the account has no room for this now");
}

plimsoll_status plimsoll_charge_release(plimsoll_charge* charge) {
  if (charge == nullptr) return fail_null();
  if (charge->account != nullptr) Charge::adopt(charge->account->account, Bytes(charge->bytes)).release();
  *charge = {};
  return PLIMSOLL_OK;
}
