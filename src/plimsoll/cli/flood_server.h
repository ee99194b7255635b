// FloodServer: the server that is flooded: a child process that joins a memory cgroup and then becomes the
// server.
//
// The child joins before it execs, so that every byte of the server is in the group and no byte of the
// clients is. It ends with its parent, however that ends.
//
// Thread-safety: one owner; alive() and output() from any thread. The thread that calls start() must outlive
// the server (the kernel ends a child with the thread that made it). Cost: a process and a thread that reads
// its output. Limits: the last 200 lines of output are kept. Errors: kTimedOut (not ready in time), kSystem
// (cannot be started), kNotFound (it ended before it was ready); the output says why. Ownership: owns the
// process.
#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/bytes.h"
#include "plimsoll/base/clock.h"
#include "plimsoll/base/mutex.h"
#include "plimsoll/base/result.h"

namespace plimsoll {

class ScratchCgroup;

struct ServerCommand {
  std::vector<std::string> arguments{};  // the program first
  // 0: the server prints "resp: HOST:PORT", "http: HOST:PORT" and "ready", as Plimsoll does. Otherwise it is
  // ready when it answers a PING there, as Redis does, or takes a connection, if nothing begins its reply.
  std::uint16_t resp_port = 0;
  char ready_reply = '+';                // how its answer to PING begins; '\0': any listener will do
  int core = -1;                         // runs there only
  const ScratchCgroup* group = nullptr;  // joined before the program is started
};

// `limit`: told as --line where no memory cgroup says it; zero: it is found.
ServerCommand plimsoll_command(const std::string& program, bool governor, Bytes limit = {});
// No line, no snapshots, and the further arguments given ("--maxmemory", "200mb").
ServerCommand redis_command(const std::string& program, std::uint16_t port,
                            const std::vector<std::string>& further = {});
// A port that was free a moment ago; 0 when none can be had.
std::uint16_t free_port();

class FloodServer {
 public:
  static Result<std::unique_ptr<FloodServer>> start(const ServerCommand& command, MonotonicTime deadline,
                                                    std::string* output_of_failure = nullptr);
  ~FloodServer();  // stop()
  FloodServer(const FloodServer&) = delete;
  FloodServer& operator=(const FloodServer&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t resp_port() const { return resp_port_; }
  std::uint16_t http_port() const { return http_port_; }  // 0: has none
  bool alive();
  // "killed by signal 9", "exited with 1"; empty while it lives.
  std::string how_it_ended();
  bool killed();  // by SIGKILL, which nobody here sends before stop()
  // SIGTERM, and SIGKILL when it is still there at the deadline; true when the first was enough.
  bool stop(Duration patience = std::chrono::seconds(5));
  std::vector<std::string> output() const;

 private:
  FloodServer() = default;
  void read_output();
  bool wait_until_ready(const ServerCommand& command, MonotonicTime deadline);
  bool silent() const;  // it has closed its output
  bool reap(bool wait);

  pid_t pid_ = -1;
  int output_ = -1;
  std::uint16_t resp_port_ = 0;
  std::uint16_t http_port_ = 0;
  std::thread reader_;

  mutable Mutex mutex_;
  CondVar spoke_;
  std::deque<std::string> lines_ PLIMSOLL_GUARDED_BY(mutex_);
  bool ready_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  bool silent_ PLIMSOLL_GUARDED_BY(mutex_) = false;  // its output has ended
  std::optional<int> status_ PLIMSOLL_GUARDED_BY(mutex_);
};

}  // namespace plimsoll
