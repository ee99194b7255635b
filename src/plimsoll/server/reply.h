// Reply: what a command says to its client, in RESP2, without knowing where the bytes go.
//
// Thread-safety: one thread; may be called under a shard's lock. Cost: a virtual call and a copy into the
// loop's buffer; a pinned value is not copied. Limits: none. Errors: none here: a client that may hold no
// more is closed by its connection. Ownership: views are copied before the call returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plimsoll/cache/extent.h"

namespace plimsoll {

class Reply {
 public:
  virtual ~Reply() = default;

  virtual void raw(std::string_view bytes) = 0;  // RESP as it is; a long reply may come in several pieces
  virtual void value(PinnedValue value) = 0;     // a bulk string, sent from where it is

  void simple(std::string_view text);  // +text
  void error(std::string_view text);   // -text: begins with a code, as in "ERR no such key"
  void integer(std::int64_t number);
  void bulk(std::string_view bytes);
  void bulk_header(std::size_t size);  // size bytes and "\r\n" follow, by raw()
  void null();                         // $-1
  void null_array();                   // *-1
  void array(std::size_t count);
  void ok() { raw("+OK\r\n"); }
};

}  // namespace plimsoll
