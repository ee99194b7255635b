// Any bytes: the same requests however they are cut, and as many when they are skipped.
#pragma once

#include "plimsoll/wire/internal/fuzz_input.h"
#include "plimsoll/wire/internal/resp_transcript.h"

namespace plimsoll::detail {

inline std::vector<std::string> resp_events(std::string_view text, std::uint8_t cut, bool skip,
                                            const RespDecoder::Options& options) {
  RespTranscript transcript(options);
  transcript.skip = [skip] { return skip; };
  feed_in_pieces(text, cut, [&](std::string_view piece) { transcript.feed(piece); });
  return transcript.events();
}

inline void fuzz_resp_decoder(std::span<const std::uint8_t> bytes) {
  FuzzInput input(bytes);
  const std::uint8_t cut = input.byte();
  const std::uint8_t settings = input.byte();
  const RespDecoder::Options options{.body_threshold = Bytes(settings >> 1),
                                     .authenticated = settings % 2 == 0};
  const std::vector<std::string> whole = resp_events(input.rest(), 0, false, options);
  PLIMSOLL_CHECK(whole == resp_events(input.rest(), cut, false, options));

  const std::vector<std::string> skipped = resp_events(input.rest(), cut, true, options);
  PLIMSOLL_CHECK(whole.size() == skipped.size(), "%zu events, %zu skipping", whole.size(), skipped.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    PLIMSOLL_CHECK(skipped[i] == whole[i] || skipped[i] == "skipped", "%s", skipped[i].c_str());
  }
}

}  // namespace plimsoll::detail
