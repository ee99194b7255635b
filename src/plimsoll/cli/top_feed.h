// TopFeed: asks a server for its status again and again, on a thread of its own.
//
// Why a thread: a server that hangs must not make the keys hang that leave the view of it.
//
// Invariant: the newest two looks that were answered are kept, and the words of what was not.
//
// Thread-safety: any thread. Cost: a thread, a connection an interval. Limits: an answer may take two
// seconds. Errors: in State::fault, until the next answer. Ownership: owns its thread, which the destructor
// awaits: a question that is out is given up then, whatever the server does.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/cli/tcp_stream.h"
#include "plimsoll/cli/top_look.h"
#include "plimsoll/os/file.h"

namespace plimsoll {

// One question; kInvalid also for a page that is no status.
// `given_up`: as TcpStream::connect() has it.
Result<TopLook> ask_for_look(const Endpoint& server, MonotonicTime deadline, int given_up = -1);

class TopFeed {
 public:
  TopFeed(Endpoint server, Duration interval);
  ~TopFeed();
  TopFeed(const TopFeed&) = delete;
  TopFeed& operator=(const TopFeed&) = delete;

  struct State {
    std::optional<TopLook> now, before;
    MonotonicTime heard{};  // when `now` came
    std::string fault;      // of the last question; empty: it was answered
  };
  State state() const;
  // Can be read (by poll) when there is something new; hushed() makes it quiet again.
  int descriptor() const { return news_.number(); }
  void hushed();

 private:
  void run();
  void keep(Result<TopLook> answer);

  const Endpoint server_;
  const Duration interval_;
  FileDescriptor news_;
  FileDescriptor given_up_;  // can be read when it ends
  mutable Mutex mutex_;
  CondVar stop_wanted_;
  State state_ PLIMSOLL_GUARDED_BY(mutex_);
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace plimsoll
