// Values as numbers.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::string_view kNotAFloat = "ERR value is not a valid float";

Progress add(CommandContext& context, std::int64_t by) {
  ByteCache::Slot slot = context.lock(context.args[1]);
  const bool exists = slot.exists();
  const std::optional<std::int64_t> number = exists ? parse_redis_int64(slot.value()) : 0;
  if (!number) return refuse(context, kNotAnInteger);
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*number, by, &sum)) {
    return refuse(context, "ERR increment or decrement would overflow");
  }
  std::array<char, 20> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), sum).ptr;
  const WriteStatus status =
      slot.put(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())),
               exists ? slot.expires_at_ms() : context.default_end());
  if (status != WriteStatus::kDone) return refuse_write(context, context.args[1], status);
  context.reply.integer(sum);
  return Progress::kDone;
}

}  // namespace

Progress incr_command(CommandContext& context) { return add(context, 1); }

Progress decr_command(CommandContext& context) { return add(context, -1); }

Progress incrby_command(CommandContext& context) {
  const std::optional<std::int64_t> by = integer_argument(context, 2);
  return by ? add(context, *by) : Progress::kDone;
}

Progress decrby_command(CommandContext& context) {
  const std::optional<std::int64_t> by = integer_argument(context, 2);
  if (!by) return Progress::kDone;
  if (*by == std::numeric_limits<std::int64_t>::min()) {
    return refuse(context, "ERR decrement would overflow");
  }
  return add(context, -*by);
}

Progress incrbyfloat_command(CommandContext& context) {
  ByteCache::Slot slot = context.lock(context.args[1]);
  const bool exists = slot.exists();
  const std::optional<long double> number = exists ? parse_long_double(slot.value()) : 0.0L;
  if (!number) return refuse(context, kNotAFloat);
  const std::optional<long double> by = parse_long_double(context.args[2]);
  if (!by) return refuse(context, kNotAFloat);
  const long double sum = *number + *by;
  if (!std::isfinite(sum)) return refuse(context, "ERR increment would produce NaN or Infinity");
  std::array<char, kMaxLongDoubleText> text;
  const std::string_view printed = format_long_double_human(sum, text);
  const WriteStatus status = slot.put(printed, exists ? slot.expires_at_ms() : context.default_end());
  if (status != WriteStatus::kDone) return refuse_write(context, context.args[1], status);
  context.reply.bulk(printed);
  return Progress::kDone;
}

}  // namespace plimsoll
