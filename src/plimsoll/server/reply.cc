#include "plimsoll/server/reply.h"

#include <algorithm>
#include <array>
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

void Reply::null() { raw("$-1\r\n"); }

void Reply::null_array() { raw("*-1\r\n"); }

void Reply::array(std::size_t count) {
  reply_at_once(*this, [&](auto& writer) { return writer.array(count); });
}

}  // namespace plimsoll
