// The clients of a flood that do not behave: readers that do not read, writers that hardly write, crowds that
// do nothing. (Those that only ask for much are LoadClients.)
//
// Each stands for a way in which servers were sunk: output piled up for readers that had stopped reading
// (Redis: killed in under a second by sixty), bodies announced and not sent, and connections that only cost.
//
// Thread-safety: start and stop by one owner; counters from any thread. Cost: a thread each; a socket a
// client. Limits: the process's open files. Errors: connections that end are counted and made again, as
// impatient clients do. Ownership: refer to the ValueSource, which outlives them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "plimsoll/base/mutex.h"
#include "plimsoll/cli/load.h"
#include "plimsoll/cli/load_connection.h"
#include "plimsoll/cli/load_socket.h"

namespace plimsoll {

// A thread that does something every `period` until it is stopped.
class FloodTicker {
 public:
  virtual ~FloodTicker();
  FloodTicker(const FloodTicker&) = delete;
  FloodTicker& operator=(const FloodTicker&) = delete;
  void start();
  // A derived class calls it in its destructor, before what tick() uses is gone.
  void stop();

 protected:
  explicit FloodTicker(Duration period) : period_(period) {}
  virtual void tick(MonotonicTime now) = 0;

 private:
  bool wait_until(MonotonicTime time);  // false: stopped

  const Duration period_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ PLIMSOLL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Clients that ask for large values, `depth` at once, and do not read the replies. Receive buffers are small,
// so that what is not read piles up at the server. A client whose connection is ended comes back and asks
// again.
class UnreadReaders final : public FloodTicker {
 public:
  struct Options {
    unsigned clients = 60;
    unsigned depth = 16;   // GETs asked at once
    Duration ask_again{};  // one more GET a client in so much time; 0: never
  };
  // `load` says where, which keys and what is right; its rate and connections are not used.
  UnreadReaders(Options options, LoadOptions load, const ValueSource& values);
  ~UnreadReaders() override;

  // After stop(): reads, at last, all that was asked for on the connections that are left, and checks it.
  void read_all(MonotonicTime deadline);
  const LoadStats& stats() const { return *stats_; }
  unsigned open_connections() const;

 private:
  struct Reader {
    std::unique_ptr<LoadConnection> connection;
    MonotonicTime next_ask;
    std::uint64_t next_key = 0;
  };
  void tick(MonotonicTime now) override;
  void ask(Reader& reader, unsigned count, MonotonicTime now);

  const Options options_;
  const LoadOptions load_;
  std::unique_ptr<LoadStats> stats_;
  std::vector<Reader> readers_;
};

// Writers that announce a value and then send it byte by byte, or as fast as it is taken.
class SlowBodies final : public FloodTicker {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    unsigned clients = 10;
    std::uint64_t announced = std::uint64_t{512} << 20;
    std::size_t bytes_a_tick = 1;
    Duration period{std::chrono::seconds(1)};
    std::string key_prefix = "slow:";
  };
  SlowBodies(Options options, const ValueSource& values);
  ~SlowBodies() override;

  std::uint64_t refused() const {
    return refused_.load(std::memory_order_relaxed);
  }  // told so, with an error
  std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }
  std::uint64_t cut() const { return cut_.load(std::memory_order_relaxed); }  // ended without a word
  std::uint64_t bytes_out() const { return bytes_out_.load(std::memory_order_relaxed); }
  unsigned still_open() const { return open_.load(std::memory_order_relaxed); }

 private:
  struct Writer {
    LoadSocket socket;
    std::uint64_t sent = 0;  // of the body and its line's end
    std::size_t prelude_left = 0;
  };
  void tick(MonotonicTime now) override;
  void open(std::size_t index, MonotonicTime now);
  // False: the connection has ended.
  bool feed(Writer& writer);
  bool listen(Writer& writer);

  const Options options_;
  const ValueSource& values_;
  std::vector<Writer> writers_;
  std::vector<std::string> preludes_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> cut_{0};
  std::atomic<std::uint64_t> bytes_out_{0};
  std::atomic<unsigned> open_{0};
};

// Connections that said PING once and then nothing.
class IdleCrowd {
 public:
  // Connects; returns how many said PONG.
  unsigned gather(const std::string& host, std::uint16_t port, unsigned clients, MonotonicTime deadline);
  // Asks everyone again; returns how many still answer.
  unsigned roll_call(MonotonicTime deadline);
  void disperse() { sockets_.clear(); }

 private:
  std::vector<LoadSocket> sockets_;
};

}  // namespace plimsoll
