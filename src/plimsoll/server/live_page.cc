// The live page's text, put into the program when it is built: cmake/LivePage.cmake makes one file of page/.
#include "plimsoll/server/pages.h"

// In the program's read-only part: it costs memory only while somebody looks at it, and that is mapped.
asm(R"(
  .pushsection .rodata.plimsoll_live_page,"a"
  .globl plimsoll_live_page_begin
  .globl plimsoll_live_page_end
plimsoll_live_page_begin:
  .incbin ")" PLIMSOLL_LIVE_PAGE R"("
plimsoll_live_page_end:
  .popsection
)");

extern "C" {
extern const char plimsoll_live_page_begin;
extern const char plimsoll_live_page_end;
}

namespace plimsoll {

std::string_view live_page() { return {&plimsoll_live_page_begin, &plimsoll_live_page_end}; }

}  // namespace plimsoll
