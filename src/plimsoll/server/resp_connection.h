// RespConnection: one RESP client: reads, decodes, admits, runs, replies.
//
// At rest it holds its state and nothing else: it waits until the socket can be read, and then borrows the
// loop's buffers. Bytes of a request that is not whole are kept; a large argument goes straight from the
// socket into pages of its own, charged step by step as it comes. A client that does not read its replies
// stops being served, and is closed when memory is short. Invariant: between two waits the loop's buffers are
// empty or its own; what is kept across a wait is charged.
//
// Thread-safety: its loop. Cost: about 1.5 KiB at rest with its coroutine. Limits: a kept request of 1 GiB.
// Errors: Redis's replies; the connection is closed where the protocol was broken. Ownership: itself, through
// its coroutine.
#pragma once

#include <optional>

#include "plimsoll/cache/lower_level.h"
#include "plimsoll/server/client.h"
#include "plimsoll/server/memory_wait.h"
#include "plimsoll/wire/resp_decoder.h"

namespace plimsoll {

class RespConnection final : public Client {
 public:
  RespConnection(Loop& loop, asio::ip::tcp::socket socket, std::uint64_t id);
  ~RespConnection() override;

  // Serves the client on the loop until either ends it.
  static void start(std::shared_ptr<RespConnection> connection);

  void tick(MonotonicTime now) override;
  void drain() override;
  const Session* session() const override { return &session_; }
  std::string line(MonotonicTime now) const override;

 private:
  enum class Next : std::uint8_t { kRead, kBody, kGrow, kRepeat, kReaderFull, kFetch, kClose };
  // A large argument under way.
  struct Body : Arrival {
    ExtentRef extent;
    std::uint64_t size = 0;
  };

  asio::awaitable<void> serve();
  asio::awaitable<bool> wait_for_reader();
  void show() override;
  // Reads once behind what is kept; false when the connection is at its end.
  bool read_some();
  bool make_input_room();
  // Runs requests of the input until it needs something.
  Next run_requests();
  Next run_command_at(std::span<char> in);
  bool grow_arguments();
  Next step_after(RespDecoder::Status status, std::span<char> in);
  void finish_batch();
  // Levels below memory: the keys of the next command come up first, and replies wait for what writes erase.
  bool needs_fetch(CommandContext& context);
  void give_back_bodies();
  asio::awaitable<void> fetch_keys();
  void note_writes();
  asio::awaitable<void> settle();
  asio::awaitable<bool> take_body();
  asio::awaitable<bool> admit_body(Body& body);
  asio::awaitable<bool> reserve(Body& body, std::size_t size);
  asio::awaitable<bool> fill_body(Body& body);
  void refuse_request(std::uint64_t taken, std::string_view reply);
  bool reader_full() const;

  // The input: in the loop's buffer while requests run, in kept_ or long_input_ across a wait.
  std::span<char> input();
  void keep_input();
  void drop_kept();
  void drop_front(std::size_t bytes);

  RespDecoder decoder_;
  Session session_;
  ExtentRef long_input_;   // when it outgrows the loop's buffer
  std::size_t front_ = 0;  // of long_input_ or the loop's buffer: done with
  std::size_t end_ = 0;
  bool borrowed_ = false;          // the input is in the loop's buffer
  std::vector<ExtentRef> bodies_;  // of the request under way, in order
  std::optional<GatePass> pass_;
  std::size_t resume_ = 0;  // of a command that paused for its reader
  PinnedValue resume_value_;
  std::vector<std::string> to_fetch_;  // keys that are not in memory and may be below
  bool fetched_ = false;               // the command under way has waited for its keys
  LowerLevel::Barrier barrier_;
  std::string_view skip_reply_;  // for the request that is being skipped
  Charge arguments_charge_;
  std::uint64_t ticked_received_ = 0;  // for the tick: what had come, and since when it is all
  MonotonicTime silent_since_{};
  // For CLIENT LIST, which other loops' clients may ask.
  std::atomic<std::size_t> shown_input_{0};
  std::atomic<std::size_t> shown_output_{0};
};

}  // namespace plimsoll
