// Whatever a server answers, `plimsoll top` reads it or says no, and what it read can be put on a terminal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/base/check.h"
#include "plimsoll/cli/top_look.h"

namespace {

void check_harmless(std::string_view text) {
  PLIMSOLL_CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }),
                 "a server's text reaches the terminal as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const plimsoll::Result<plimsoll::TopLook> look =
      plimsoll::read_look({reinterpret_cast<const char*>(data), size});
  if (!look) return 0;
  for (std::string_view text :
       {std::string_view(look->version), std::string_view(look->level), std::string_view(look->response)})
    check_harmless(text);
  for (const plimsoll::TopAccount& account : look->accounts) {
    check_harmless(account.name);
    check_harmless(account.parent);
    PLIMSOLL_CHECK(account.used <= plimsoll::Bytes(plimsoll::Bytes::kMax), "more bytes than Bytes can hold");
  }
  for (const auto& event : look->events) check_harmless(event.sentence);
  static_cast<void>(plimsoll::rates_between(*look, *look));
  return 0;
}
