// Any bytes: the scanner cuts them at the same places however they come, and what it calls complete can be
// taken apart to the last byte.
#pragma once

#include <vector>

#include "plimsoll/base/check.h"
#include "plimsoll/wire/internal/fuzz_input.h"
#include "plimsoll/wire/resp_reply.h"

namespace plimsoll::detail {

// Where replies end, and at the end where the scanner failed, if it did.
inline std::vector<std::size_t> resp_reply_ends(std::string_view text, std::uint8_t cut) {
  std::vector<std::size_t> ends;
  RespReplyScanner scanner;
  std::size_t at = 0;
  feed_in_pieces(text, cut, [&](std::string_view piece) {
    while (!piece.empty() && !scanner.failed()) {
      const std::size_t taken = scanner.feed(piece);
      PLIMSOLL_CHECK(taken <= piece.size());
      PLIMSOLL_CHECK(taken == piece.size() || scanner.complete() || scanner.failed());
      at += taken;
      piece.remove_prefix(taken);
      if (scanner.complete() || scanner.failed()) ends.push_back(at);
    }
  });
  return ends;
}

inline void walk_resp_value(std::string_view& bytes, int depth) {
  const std::optional<RespValue> value = take_resp_value(bytes);
  PLIMSOLL_CHECK(value.has_value());
  if (value->type == RespType::kBulk && !value->null) {
    PLIMSOLL_CHECK(value->text.size() == static_cast<std::size_t>(value->number));
  }
  if (value->type != RespType::kArray || depth == 0) return;
  std::string_view elements = value->text;
  for (std::int64_t i = 0; i < value->number; ++i) walk_resp_value(elements, depth - 1);
  PLIMSOLL_CHECK(elements.empty());
}

inline void fuzz_resp_reply(std::span<const std::uint8_t> bytes) {
  constexpr int kDepth = 16;  // each level reads all below it again
  FuzzInput input(bytes);
  const std::uint8_t cut = input.byte();
  PLIMSOLL_CHECK(resp_reply_ends(input.rest(), 0) == resp_reply_ends(input.rest(), cut));
  for (std::string_view rest = input.rest(); !rest.empty();) {
    std::string_view probe = rest;
    if (!take_resp_value(probe)) return;
    walk_resp_value(rest, kDepth);
    PLIMSOLL_CHECK(rest.size() == probe.size());
  }
}

}  // namespace plimsoll::detail
