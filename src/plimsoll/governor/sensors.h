// Sensors: what the governor reads of the world outside its own counters; an interface, so that tests own it.
//
// held() is read at every tick and has to be cheap (one file); the others are read at most ten times a
// second. What "held" means: memory that the kernel counts against the limit and does not take back by
// itself, that is anonymous and shared memory and what the kernel holds on the process's account, with the
// mapped image.
//
// Thread-safety: one thread at a time; the governor's. Cost: held() about 2 us under load, slow() 10-30 us,
// limit() 30-60 us. Limits: none. Errors: those of the readers; the governor keeps the last value, counts the
// failure and goes on. Ownership: the governor's user owns it and keeps it until after the governor.
#pragma once

#include <cstdint>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/result.h"
#include "plimsoll/os/limit.h"

namespace plimsoll {

struct SlowReading {
  Bytes resident;
  Bytes anonymous;
  Bytes file;         // mapped files: the image, mostly
  Bytes shared;       // shared memory
  Bytes page_tables;  // kernel memory
  Bytes sockets;      // queued in sockets, where the kernel shows it
  Bytes group_used;   // of the memory cgroup that binds, page cache included
  Bytes machine_available;
  std::uint64_t major_faults = 0;
};

class Sensors {
 public:
  virtual ~Sensors() = default;

  virtual Result<Bytes> held() = 0;
  virtual Result<SlowReading> slow() = 0;
  // `own_held`: what this process holds, so that it is not taken for another's.
  virtual Result<FoundLimit> limit(Bytes own_held) = 0;
  // The general allocator returns what it keeps free. Stalls its users for some milliseconds.
  virtual void give_back_free_heap() = 0;
};

}  // namespace plimsoll
