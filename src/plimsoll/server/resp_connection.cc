#include "plimsoll/server/resp_connection.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/listener.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kSilence{2};
constexpr std::size_t kReadAtLeast = 16 * 1024;  // of room in the buffer, before a read

// Replies of a client that said CLIENT REPLY OFF, or SKIP: told only while it wants any.
class QuietReply final : public Reply {
 public:
  QuietReply(Reply& to, const Session& session) : to_(to), session_(session) {
    set_protocol(session.protocol);
  }

  void raw(std::string_view bytes) override {
    if (!session_.silenced()) to_.raw(bytes);
  }
  void value(PinnedValue value) override {
    if (!session_.silenced()) to_.value(std::move(value));
  }

 private:
  Reply& to_;
  const Session& session_;
};

}  // namespace

RespConnection::RespConnection(Loop& loop, asio::ip::tcp::socket socket, std::uint64_t id)
    : Client(loop, std::move(socket), loop.node.traffic.connections) {
  session_.id = id;
  session_.connected_at = node_.clock.monotonic_now();
  session_.last_command_ms = node_.clock.wall_ms();
  session_.authenticated = loop.facts.password().empty();
  decoder_.set_authenticated(session_.authenticated);
  session_.peer = peer();
  session_.local = local();
  loop_.add(*this);
}

RespConnection::~RespConnection() { loop_.remove(*this); }

void RespConnection::start(std::shared_ptr<RespConnection> connection) {
  RespConnection& self = *connection;
  asio::co_spawn(self.loop_.io, self.serve(), [connection](const std::exception_ptr&) {});
}

// No co_await stands in a condition with others here: g++ 12 awaits in the condition of a loop whatever
// stands before the &&.
asio::awaitable<void> RespConnection::serve() {
  Next next = Next::kRead;
  while (next != Next::kClose) {
    if (next == Next::kRead) {
      if (draining_ && decoder_.between_requests() && input().empty()) break;
      const bool readable = co_await wait_readable();
      if (!readable || !read_some()) break;
    } else if (next == Next::kBody) {
      const bool taken = co_await take_body();
      if (!taken) break;
    } else if (next == Next::kFetch) {
      co_await fetch_keys();
      if (closed_) break;
    } else {
      const bool read = co_await wait_for_reader();
      if (!read) break;
    }
    next = run_requests();
    if (!barrier_.empty()) co_await settle();
    finish_batch();
  }
  // What the client is still owed, as an error before the close, is sent as far as it reads.
  while (output_.pending() > 0) {
    const bool read = co_await wait_for_reader();
    if (!read) break;
  }
  if (output_.failure() == Output::Failure::kRefused) {
    close_with("left no memory for replies that it does not read", output_.held(), Duration{});
  }
  close();
}

// Until the client has read something; false when the connection is at its end.
asio::awaitable<bool> RespConnection::wait_for_reader() {
  while (!closed_ && !failed()) {
    // Pins of others may be what this one waits for: it looks again by itself.
    const std::chrono::milliseconds pause(output_.pending() > 0 ? 1000 : 20);
    const std::uint64_t before = output_.sent();
    flush();
    co_await rest_until(node_.clock.monotonic_now() + pause);
    if (!reader_full() && (output_.pending() == 0 || output_.sent() != before || resume_ == 0)) break;
  }
  co_return !closed_ && !failed();
}

bool RespConnection::read_some() {
  if (!make_input_room()) return false;
  char* base = borrowed_ ? loop_.read_buffer.data() : long_input_->data();
  const std::size_t room = (borrowed_ ? loop_.read_buffer.size() : long_input_->reserved()) - end_;
  std::size_t received = 0;
  if (!receive(base + end_, room, received)) return false;
  end_ += received;
  return true;
}

// The gate's places are for values on their way in: whoever keeps some of them in a transaction, and says
// nothing, gives way to those who wait.
void RespConnection::tick(MonotonicTime now) {
  if (received_ != std::exchange(ticked_received_, received_)) silent_since_ = now;
  Client::tick(now);
  const bool holds = session_.transaction && session_.transaction->holds_bodies();
  if (!holds || closed_ || now - silent_since_ < kSilence || !node_.line.enforcing()) return;
  if (!node_.pressed() && node_.gate.waiting() == 0) return;
  node_.traffic.bodies_closed.fetch_add(1, std::memory_order_relaxed);
  close_with("holds large values of a transaction while others wait for memory",
             session_.transaction->charged().count(), now - silent_since_);
}

RespConnection::Next RespConnection::run_requests() {
  node_.turnstile.pass();
  MutexLock lock(loop_.mutex);
  while (true) {
    std::span<char> in = input();
    if (in.empty()) return Next::kRead;
    if (resume_ != 0 || resume_value_ || fetched_) {
      Next next = run_command_at(in);
      if (next != Next::kRepeat) return next;
      continue;
    }
    if (reader_full()) return Next::kReaderFull;
    const RespDecoder::Status status = decoder_.next(in);
    Next next = status == RespDecoder::Status::kCommand ? run_command_at(in) : step_after(status, in);
    if (next != Next::kRepeat) return next;
  }
}

RespConnection::Next RespConnection::step_after(RespDecoder::Status status, std::span<char> in) {
  switch (status) {
    case RespDecoder::Status::kNeedMore:
      drop_front(decoder_.consumed());
      return Next::kRead;
    case RespDecoder::Status::kBody:
      return Next::kBody;
    case RespDecoder::Status::kGrow:
      if (!grow_arguments()) refuse_request(0, kOutOfMemory);
      return Next::kRepeat;
    case RespDecoder::Status::kSkipped:
      if (!session_.silenced()) output_.error(skip_reply_);
      session_.pass_skip();
      drop_front(decoder_.consumed());
      return Next::kRepeat;
    case RespDecoder::Status::kError:
      output_.error(decoder_.error().view());
      node_.traffic.protocol_errors.fetch_add(1, std::memory_order_relaxed);
      return Next::kClose;
    case RespDecoder::Status::kEmpty:
    case RespDecoder::Status::kCommand:
      break;
  }
  static_cast<void>(in);
  drop_front(decoder_.consumed());
  return Next::kRepeat;
}

// The list of arguments is on the heap for the time of its request: it is part of the connection's state.
bool RespConnection::grow_arguments() {
  const Bytes bytes = decoder_.growth();
  Charge more = node_.connections.charge(bytes);
  if (!more && node_.cache.make_room_for(node_.connections, bytes)) more = node_.connections.charge(bytes);
  if (!more || !decoder_.grow()) return false;
  arguments_charge_.merge(std::move(more));
  return true;
}

RespConnection::Next RespConnection::run_command_at(std::span<char> in) {
  std::vector<std::string_view>& args = loop_.args;
  std::vector<ExtentRef>& bodies = loop_.arg_bodies;
  args.clear();
  bodies.clear();
  if (!bodies_.empty()) bodies.resize(decoder_.args().size());
  for (std::size_t i = 0; i < decoder_.args().size(); ++i) {
    const RespArg& arg = decoder_.args()[i];
    if (!arg.is_body) {
      args.push_back(arg.view(in));
      continue;
    }
    bodies[i] = std::move(bodies_[arg.offset]);
    args.push_back(bodies[i]->view());
  }
  QuietReply quiet(output_, session_);
  // What CLIENT LIST shows of it is the request under way, as long as it runs.
  shown_input_.store(in.size(), std::memory_order_relaxed);
  CommandContext context{.args = args,
                         .bodies = bodies,
                         .reply = session_.silenced() ? static_cast<Reply&>(quiet) : output_,
                         .cache = node_.cache,
                         .databases = node_.databases,
                         .server = loop_.facts,
                         .session = session_,
                         .now_ms = node_.clock.wall_ms(),
                         .default_ttl_ms = node_.default_ttl_ms.load(std::memory_order_relaxed),
                         .resume = resume_,
                         .kept = std::move(resume_value_),
                         .reader_is_full = [this] { return reader_full(); },
                         .pace = &node_.pace};
  if (!std::exchange(fetched_, false) && resume_ == 0 && needs_fetch(context)) {
    resume_value_ = std::move(context.kept);
    give_back_bodies();
    return Next::kFetch;
  }
  session_.last_command_ms = context.now_ms;
  const Progress progress = run_command(context);
  if (node_.lower) note_writes();
  resume_ = 0;
  if (progress == Progress::kAgain) {
    resume_ = context.resume;
    resume_value_ = std::move(context.kept);
    give_back_bodies();
    return Next::kReaderFull;
  }
  session_.pass_skip();
  output_.set_protocol(session_.protocol);  // HELLO may have told the quiet one
  node_.traffic.commands.fetch_add(1, std::memory_order_relaxed);
  if (session_.drop_replies) loop_.write_buffer.used = 0;
  bodies.clear();
  bodies_.clear();
  // Large values of a transaction keep their places until EXEC.
  if (!session_.transaction || !session_.transaction->holds_bodies()) pass_.reset();
  decoder_.set_authenticated(session_.authenticated);
  drop_front(decoder_.consumed());
  decoder_.trim();
  arguments_charge_.release();
  return session_.close_after_reply ? Next::kClose : Next::kRepeat;
}

void RespConnection::give_back_bodies() {
  std::vector<ExtentRef>& bodies = loop_.arg_bodies;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (bodies[i]) bodies_[decoder_.args()[i].offset] = std::move(bodies[i]);
  }
}

void RespConnection::finish_batch() {
  flush();
  keep_input();
  show();
}

void RespConnection::show() {
  shown_input_.store(kept_.size() + (long_input_ ? end_ - front_ : 0), std::memory_order_relaxed);
  shown_output_.store(output_.held(), std::memory_order_relaxed);
}

bool RespConnection::reader_full() const {
  if (!node_.line.enforcing()) return false;
  const ServerPlan plan = node_.plan();
  if (output_.held() >= plan.reader_share.count()) return true;
  // All readers together: whoever is behind waits, so that values being sent do not fill the line.
  return output_.pending() > 0 && node_.cache.account().pinned() + node_.output.used() >= plan.output_maximum;
}

void RespConnection::refuse_request(std::uint64_t taken, std::string_view reply) {
  bodies_.clear();
  if (session_.queues()) session_.transaction->fail();
  if (!session_.transaction || !session_.transaction->holds_bodies()) pass_.reset();
  skip_reply_ = reply;
  decoder_.skip(taken);
  node_.traffic.bodies_refused.fetch_add(1, std::memory_order_relaxed);
}

std::span<char> RespConnection::input() {
  if (!borrowed_ && !long_input_) {
    if (kept_.empty()) return {};
    return {kept_.data() + front_, kept_.size() - front_};
  }
  char* base = borrowed_ ? loop_.read_buffer.data() : long_input_->data();
  return {base + front_, end_ - front_};
}

// Room to read into: the loop's buffer as long as the request fits there, pages of its own beyond.
bool RespConnection::make_input_room() {
  const std::size_t have = input().size();
  if (!long_input_ && have + kReadAtLeast <= loop_.read_buffer.size()) {
    if (!borrowed_) {
      std::memcpy(loop_.read_buffer.data(), kept_.data() + front_, have);
      front_ = 0;
      end_ = have;
      borrowed_ = true;
      drop_kept();
    }
    return true;
  }
  const std::size_t wanted = std::max(decoder_.needed(), have + 4 * kReadAtLeast);
  if (!long_input_ || wanted > long_input_->capacity()) {
    Result<ExtentRef> longer = node_.cache.open_extent(std::max(wanted, 2 * have), node_.bodies);
    if (!longer || !node_.cache.reserve(**longer, have)) return false;
    std::span<char> old = input();
    std::memcpy((*longer)->data(), old.data(), have);
    long_input_ = std::move(*longer);
    drop_kept();
    front_ = 0;
    end_ = have;
    borrowed_ = false;
  } else if (front_ > 0) {
    std::memmove(long_input_->data(), long_input_->data() + front_, have);
    end_ = have;
    front_ = 0;
  }
  const std::size_t step = std::min(long_input_->capacity(), std::max(end_ + 4 * kReadAtLeast, end_ * 2));
  return end_ < long_input_->reserved() || node_.cache.reserve(*long_input_, step);
}

// Before a wait: the loop's buffer goes back to the others.
void RespConnection::keep_input() {
  if (long_input_ && front_ == end_) {
    long_input_ = ExtentRef();
    front_ = end_ = 0;
    return;
  }
  if (!std::exchange(borrowed_, false)) return;
  const std::size_t left = end_ - front_;
  if (left > 0) {
    kept_.reserve(left);
    kept_.assign(loop_.read_buffer.data() + front_, left);
  }
  front_ = end_ = 0;
}

void RespConnection::drop_front(std::size_t bytes) {
  front_ += bytes;
  if (borrowed_ || long_input_ || front_ < kept_.size()) return;
  drop_kept();
  front_ = 0;
}

void RespConnection::drop_kept() { KeptBytes(kept_.get_allocator()).swap(kept_); }

void RespConnection::drain() {
  draining_ = true;
  if (decoder_.between_requests() && kept_.empty() && !long_input_ && output_.pending() == 0) close();
}

std::string RespConnection::line(MonotonicTime now) const {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - session_.connected_at).count();
  // A clock that was set back is no reason for a time before now.
  const std::int64_t idle =
      std::max<std::int64_t>(node_.clock.wall_ms() - session_.last_command_ms, 0) / 1000;
  const std::uint64_t kept = session_.transaction ? session_.transaction->charged().count() : 0;
  const std::uint64_t held =
      shown_input_.load(std::memory_order_relaxed) + shown_output_.load(std::memory_order_relaxed);
  std::string text =
      "id=" + std::to_string(session_.id) + " addr=" + session_.peer + " laddr=" + session_.local;
  text += " fd=" + std::to_string(fd_) + " name=" + session_.name + " age=" + std::to_string(age) +
          " idle=" + std::to_string(idle) + " flags=" + (session_.queues() ? "x" : "N") +
          " db=" + std::to_string(session_.database);
  text += " sub=0 psub=0 ssub=0 multi=" +
          (session_.queues() ? std::to_string(session_.transaction->count()) : std::string("-1")) +
          " qbuf=" + std::to_string(shown_input_.load(std::memory_order_relaxed)) +
          " qbuf-free=0 argv-mem=0 multi-mem=" + std::to_string(kept) +
          " rbs=0 rbp=0 obl=0 oll=0 omem=" + std::to_string(shown_output_.load(std::memory_order_relaxed));
  text += " tot-mem=" + std::to_string(Loop::kConnection.count() + kept + held) +
          " events=r cmd=" + std::string(session_.last_command) +
          " user=default redir=-1 resp=" + std::to_string(session_.protocol);
  if (!session_.library_name.empty()) text += " lib-name=" + session_.library_name;
  if (!session_.library_version.empty()) text += " lib-ver=" + session_.library_version;
  return text;
}

}  // namespace plimsoll
