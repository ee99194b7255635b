#include "plimsoll/server/reply.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "plimsoll/wire/resp_writer.h"

namespace plimsoll {
namespace {

// Up to here a reply is put together on the stack and handed over in one call; above it the copy costs more
// than two calls.
constexpr std::size_t kAssembled = 512;

// False, with nothing replied, when what `write` writes is longer.
template <typename Write>
bool reply_at_once(Reply& reply, Write write) {
  std::array<char, kAssembled> buffer;
  SpanSink sink(buffer);
  RespWriter writer(sink);
  if (!write(writer)) return false;
  reply.raw(sink.written());
  return true;
}

void reply_in_pieces(Reply& reply, std::string_view before, std::string_view bytes) {
  reply.raw(before);
  reply.raw(bytes);
  reply.raw("\r\n");
}

}  // namespace

void Reply::simple(std::string_view text) {
  if (!reply_at_once(*this, [&](auto& writer) { return writer.simple(text); })) {
    reply_in_pieces(*this, "+", text);
  }
}

void Reply::error(std::string_view text) {
  if (reply_at_once(*this, [&](auto& writer) { return writer.error(text); })) return;
  std::string line(text);  // it quotes a client at length
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  reply_in_pieces(*this, "-", line);
}

void Reply::integer(std::int64_t number) {
  reply_at_once(*this, [&](auto& writer) { return writer.integer(number); });
}

void Reply::bulk(std::string_view bytes) {
  if (reply_at_once(*this, [&](auto& writer) { return writer.bulk(bytes); })) return;
  bulk_header(bytes.size());
  reply_in_pieces(*this, {}, bytes);
}

void Reply::bulk_header(std::size_t size) {
  reply_at_once(*this, [&](auto& writer) { return writer.bulk_header(size); });
}

void Reply::null() { raw(resp3_ ? "_\r\n" : "$-1\r\n"); }

void Reply::null_array() { raw(resp3_ ? "_\r\n" : "*-1\r\n"); }

void Reply::array(std::size_t count) {
  reply_at_once(*this, [&](auto& writer) { return writer.array(count); });
}

void Reply::map(std::size_t pairs) {
  if (!resp3_) return array(2 * pairs);
  reply_at_once(*this, [&](auto& writer) { return writer.map(pairs); });
}

void Reply::set(std::size_t count) {
  if (!resp3_) return array(count);
  reply_at_once(*this, [&](auto& writer) { return writer.set(count); });
}

void Reply::number(double value) {
  std::array<char, 40> text;
  const int size = std::snprintf(text.data(), text.size(), "%.17g", value);
  const std::string_view digits(text.data(), static_cast<std::size_t>(size));
  if (!resp3_) return bulk(digits);
  reply_in_pieces(*this, ",", digits);
}

void Reply::verbatim_header(std::size_t size) {
  if (!resp3_) return bulk_header(size);
  reply_at_once(*this, [&](auto& writer) { return writer.verbatim_header(size); });
}

void Reply::verbatim(std::string_view text) {
  if (!resp3_) return bulk(text);
  verbatim_header(text.size());
  reply_in_pieces(*this, {}, text);
}

}  // namespace plimsoll
