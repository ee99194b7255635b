// Reply: what a command says to its client, in RESP2 or RESP3, without knowing where the bytes go.
//
// A command says what it means (a map, a null, a text); what the client's protocol has no type for goes as
// Redis sends it in RESP2: a map as an array of keys and values, a number with a fraction as a string.
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
  void null();                         // $-1, or _
  void null_array();                   // *-1, or _
  void array(std::size_t count);
  void map(std::size_t pairs);
  void set(std::size_t count);
  void number(double value);
  void verbatim(std::string_view text);    // a text for people
  void verbatim_header(std::size_t size);  // size bytes and "\r\n" follow, by raw()
  void ok() { raw("+OK\r\n"); }

  // 2 or 3.
  void set_protocol(int version) { resp3_ = version == 3; }

 private:
  bool resp3_ = false;
};

}  // namespace plimsoll
