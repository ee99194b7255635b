// LoadConnection: one connection of a LoadClient: what it has asked, and what has come back.
//
// Invariant: asked() counts exactly the requests whose replies have not been scanned; replies come in their
// order.
//
// Thread-safety: its worker's thread. Cost: about 300 bytes idle; the read buffer is its worker's. Limits:
// see LoadOptions. Errors: a lost connection is counted and closed; the worker opens it again. Ownership:
// refers to its worker's options, values and statistics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plimsoll/cli/load.h"
#include "plimsoll/cli/load_answer.h"
#include "plimsoll/cli/load_outbox.h"
#include "plimsoll/cli/load_socket.h"

namespace plimsoll {

class LoadConnection {
 public:
  LoadConnection(const LoadOptions& options, const ValueSource& values, LoadStats& stats)
      : options_(options), values_(values), stats_(stats) {}

  // False: no socket; try later.
  bool open();
  // The same, and waits until it is connected: for clients that do not poll.
  bool open_before(MonotonicTime deadline);
  bool is_open() const { return socket_.open(); }
  bool connected() const { return connected_; }
  int descriptor() const { return socket_.descriptor(); }
  std::size_t asked() const { return asked_.size() - answered_; }

  // Puts a request in the outbox; nothing is sent before ready() or send().
  void ask_get(std::uint64_t key, MonotonicTime due);
  void ask_set(std::uint64_t key, std::uint32_t version, MonotonicTime due);
  void send();
  // The socket has something: connected, readable, writable or ended. May close it.
  void ready(std::span<char> buffer);
  // Counts requests under way that are older than the stall time, each once.
  void count_stalls(MonotonicTime now);
  // Counts what was under way as lost.
  void close();

 private:
  struct Asked {
    MonotonicTime due;
    std::uint64_t key;
    bool get;
    bool stalled;
  };
  struct Seen;

  void ask(std::uint64_t key, bool get, MonotonicTime due);
  bool scan(std::string_view input, MonotonicTime now, Seen& seen);
  void judge(const Asked& asked, const Answer& answer, Seen& seen);
  void add(const Seen& seen);

  const LoadOptions& options_;
  const ValueSource& values_;
  LoadStats& stats_;
  LoadSocket socket_;
  bool connected_ = false;
  LoadOutbox outbox_;
  AnswerScanner scanner_;
  std::vector<Asked> asked_;  // a queue: the first answered_ are done
  std::size_t answered_ = 0;
};

}  // namespace plimsoll
