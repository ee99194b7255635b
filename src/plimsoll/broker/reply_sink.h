// ReplySink: where the bytes of a reply go, and the file ranges between them.
//
// The broker knows nothing of sockets: a connection gives it a sink, a test gives it a string. A reply's
// length is known before its first byte, so that a sink may send what it has and need not keep the reply
// whole.
//
// Invariant: bytes and files leave in the order in which they were given.
//
// Thread-safety: one thread. Cost: a virtual call a field. Limits: the sink's. Errors: null or false when the
// sink gives no room: the connection is at its end. Ownership: a file stays open as long as the sink sends
// it.
#pragma once

#include <cstddef>

#include "plimsoll/commitlog/partition.h"

namespace plimsoll {

class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // `size` bytes in one piece to write to, good until the next call; null when there will be none.
  virtual char* reserve(std::size_t size) = 0;
  // The first `size` bytes of what was reserved are written.
  virtual void commit(std::size_t size) = 0;
  // What the plan names goes next.
  [[nodiscard]] virtual bool file(const SendPlan& plan) = 0;
};

}  // namespace plimsoll
