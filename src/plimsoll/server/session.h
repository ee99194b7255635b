// Session: what the server remembers of one RESP client between its commands.
//
// Thread-safety: the connection's loop. Cost: about 120 bytes; names are empty until a client gives them.
// Limits: none. Errors: none. Ownership: its connection's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "plimsoll/base/clock.h"
#include "plimsoll/server/transaction.h"

namespace plimsoll {

struct Session {
  // CLIENT REPLY: whether the client is told anything. After SKIP one command is not answered.
  enum class Replies : std::uint8_t { kOn, kOff, kSkipNext, kSkip };

  std::uint64_t id = 0;
  unsigned database = 0;      // SELECT
  std::uint8_t protocol = 2;  // HELLO
  bool authenticated = true;
  bool close_after_reply = false;  // QUIT, and errors of the protocol
  Replies replies = Replies::kOn;
  bool drop_replies = false;  // with it: nothing more is told, as to a browser that was lured here
  MonotonicTime connected_at{};
  std::int64_t last_command_ms = 0;        // Unix time; of the connection's begin before the first
  std::string_view last_command = "NULL";  // a name of the command table
  std::string name;                        // CLIENT SETNAME
  std::string library_name;                // CLIENT SETINFO
  std::string library_version;
  std::string peer;  // "127.0.0.1:50312"
  std::string local;
  std::unique_ptr<Transaction> transaction;  // after MULTI or WATCH

  bool silenced() const { return replies == Replies::kOff || replies == Replies::kSkip; }
  // At the end of each command.
  void pass_skip() {
    if (replies == Replies::kSkip) replies = Replies::kOn;
    if (replies == Replies::kSkipNext) replies = Replies::kSkip;
  }
  bool queues() const { return transaction && transaction->begun(); }
};

}  // namespace plimsoll
