// Parts of values.
#include <algorithm>
#include <cstring>
#include <optional>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"

namespace plimsoll {
namespace {

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// `first` and `last` as GETRANGE means them: inclusive, from the end when negative.
Range range_of(std::int64_t first, std::int64_t last, std::size_t length) {
  const auto size = static_cast<std::int64_t>(length);
  if (first < 0 && last < 0 && first > last) return {};
  if (first < 0) first = std::max<std::int64_t>(first + size, 0);
  if (last < 0) last = std::max<std::int64_t>(last + size, 0);
  last = std::min(last, size - 1);
  if (first > last) return {};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last) + 1};
}

// Nothing when the value would be too long, and then an error is replied.
bool length_allowed(CommandContext& context, std::size_t size, std::size_t more) {
  if (size <= ByteCache::kMaxValue && more <= ByteCache::kMaxValue - size) return true;
  context.reply.error(kTooLongValue);
  return false;
}

// Makes the slot's value at least `at` + bytes.size() long and writes `bytes` there.
Progress write_at(CommandContext& context, ByteCache::Slot& slot, std::size_t at, std::string_view bytes) {
  const std::size_t size = std::max(slot.exists() ? slot.size() : 0, at + bytes.size());
  // A value that is made longer keeps its time; one that is new has it from its begin.
  const bool timed = !slot.exists() && context.default_ttl_ms != 0;
  WriteStatus status = timed ? slot.put(std::string_view(), context.default_end()) : WriteStatus::kDone;
  if (status == WriteStatus::kDone) status = slot.resize(size);
  if (status != WriteStatus::kDone) {
    if (timed && slot.exists()) slot.erase();
    return refuse_write(context, context.args[1], status);
  }
  // A large one may have been given up at once, to who needs the room.
  if (slot.exists() && !bytes.empty()) std::memcpy(slot.writable().data() + at, bytes.data(), bytes.size());
  context.reply.integer(static_cast<std::int64_t>(size));
  return Progress::kDone;
}

}  // namespace

Progress strlen_command(CommandContext& context) {
  context.reply.integer(static_cast<std::int64_t>(context.read(context.args[1]).size));
  return Progress::kDone;
}

Progress getrange_command(CommandContext& context) {
  const std::optional<std::int64_t> first = integer_argument(context, 2);
  if (!first) return Progress::kDone;
  const std::optional<std::int64_t> last = integer_argument(context, 3);
  if (!last) return Progress::kDone;
  if (context.resume == 0) {
    ByteCache::Reading found = context.read(context.args[1]);
    const Range range = found.exists ? range_of(*first, *last, found.size) : Range();
    const std::size_t size = range.end - range.begin;
    if (size < ByteCache::kLargeValue || !found.pinned) {  // a packed one has no pages of its own
      context.reply.bulk(size == 0 ? std::string_view()
                                   : CommandContext::value_of(found).substr(range.begin, size));
      return Progress::kDone;
    }
    context.reply.bulk_header(size);
    context.kept = std::move(found.pinned);
    context.resume = range.begin + 1;
  }
  const Progress progress = send_kept(context, range_of(*first, *last, context.kept.view().size()).end);
  if (progress == Progress::kDone) context.reply.raw("\r\n");
  return progress;
}

Progress append_command(CommandContext& context) {
  const std::string_view bytes = context.args[2];
  ByteCache::Slot slot = context.lock(context.args[1]);
  if (slot.exists()) {
    if (!length_allowed(context, slot.size(), bytes.size())) return Progress::kDone;
    return write_at(context, slot, slot.size(), bytes);
  }
  const WriteStatus status = put_argument(context, slot, 2, context.default_end());
  if (status != WriteStatus::kDone) return refuse_write(context, context.args[1], status);
  context.reply.integer(static_cast<std::int64_t>(bytes.size()));
  return Progress::kDone;
}

Progress setrange_command(CommandContext& context) {
  const std::optional<std::int64_t> offset = integer_argument(context, 2);
  if (!offset) return Progress::kDone;
  if (*offset < 0) return refuse(context, "ERR offset is out of range");
  const std::string_view bytes = context.args[3];
  ByteCache::Slot slot = context.lock(context.args[1]);
  if (bytes.empty()) {
    context.reply.integer(slot.exists() ? static_cast<std::int64_t>(slot.size()) : 0);
    return Progress::kDone;
  }
  const auto at = static_cast<std::size_t>(*offset);
  if (!length_allowed(context, at, bytes.size())) return Progress::kDone;
  return write_at(context, slot, at, bytes);
}

}  // namespace plimsoll
