#include "plimsoll/server/kafka_connection.h"

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <bit>
#include <cstring>

#include "plimsoll/broker/broker.h"

namespace plimsoll {
namespace {

constexpr std::size_t kFirstStep = 64 * 1024;
constexpr std::chrono::seconds kAdmissionWait{30};

}  // namespace

// Replies into the connection's output.
class KafkaConnection::Sink final : public ReplySink {
 public:
  explicit Sink(Output& output) : output_(output) {}

  char* reserve(std::size_t size) override { return output_.reserve(size); }
  void commit(std::size_t size) override { output_.commit(size); }
  bool file(const SendPlan& plan) override {
    return output_.file(plan.file, {plan.position, plan.size.count()});
  }

 private:
  Output& output_;
};

KafkaConnection::KafkaConnection(Loop& loop, asio::ip::tcp::socket socket)
    : Client(loop, std::move(socket), loop.node.traffic.kafka_connections),
      exchange_(*loop.node.broker, *this) {
  loop_.add(*this);
}

KafkaConnection::~KafkaConnection() { loop_.remove(*this); }

void KafkaConnection::start(std::shared_ptr<KafkaConnection> connection) {
  KafkaConnection& self = *connection;
  asio::co_spawn(self.loop_.io, self.serve(), [connection](const std::exception_ptr&) {});
}

// What waits at rest is this one frame and its wait; every frame more would be memory of each connection.
asio::awaitable<void> KafkaConnection::serve() {
  bool going = true;
  while (going && !closed_) {
    if (is_whole()) {
      going = co_await answer_small();
    } else if (is_too_large()) {
      close_with("announces a request of more than 100 MiB", input().size(), Duration{});
    } else if (has_size() && !is_small()) {
      going = co_await answer_large();
    } else if (draining_ && input().empty()) {
      break;
    } else {
      keep();
      going = co_await wait_readable();  // no, when it was closed
      going = going && read_small();
    }
  }
  exchange_.abandon();
  if (output_.failure() == Output::Failure::kRefused) {
    close_with("left no memory for replies that it does not read", output_.held(), Duration{});
  } else if (output_.failure() == Output::Failure::kFile) {
    close_with("was being sent a part of a log that cannot be read", output_.held(), Duration{});
  }
  close();
}

// Into the loop's buffer: at first as much as tells what comes, then exactly the rest of a small frame.
bool KafkaConnection::read_small() {
  borrow();
  std::size_t most = kFirstRead;
  if (has_size() && is_small()) most = 4 + frame_size() - input().size();
  std::size_t received = 0;
  if (!receive(loop_.read_buffer.data() + end_, most, received)) return false;
  end_ += received;
  return true;
}

std::span<char> KafkaConnection::input() {
  if (borrowed_) return {loop_.read_buffer.data() + front_, end_ - front_};
  return {kept_.data(), kept_.size()};
}

std::size_t KafkaConnection::frame_size() {
  std::uint32_t size = 0;
  for (char c : input().first(4)) size = size << 8 | static_cast<unsigned char>(c);
  return size;  // a negative one is larger than any that is let in
}

// What is kept moves to the front of the loop's buffer.
void KafkaConnection::borrow() {
  if (std::exchange(borrowed_, true)) {
    std::memmove(loop_.read_buffer.data(), loop_.read_buffer.data() + front_, end_ - front_);
    end_ -= std::exchange(front_, 0);
    return;
  }
  std::memcpy(loop_.read_buffer.data(), kept_.data(), kept_.size());
  front_ = 0;
  end_ = kept_.size();
  KeptBytes(kept_.get_allocator()).swap(kept_);
}

// Before a wait: the loop's buffer goes back to the others. Closes where there is no memory for what is in
// it.
void KafkaConnection::keep() {
  if (!std::exchange(borrowed_, false)) return;
  if (front_ != end_ && may_keep(end_ - front_))
    kept_.assign(loop_.read_buffer.data() + front_, end_ - front_);
  front_ = end_ = 0;
}

Exchange::Step KafkaConnection::begin(std::span<char> frame) {
  Sink sink(output_);
  return exchange_.begin(frame, sink);
}

asio::awaitable<bool> KafkaConnection::answer_small() {
  borrow();
  const std::size_t size = frame_size();
  const Exchange::Step step = begin(input().subspan(4, size));
  front_ += 4 + size;
  co_return co_await finish(step);
}

asio::awaitable<bool> KafkaConnection::answer_large() {
  keep();
  if (closed_) co_return false;
  Exchange::Step step = Exchange::Step::kClose;
  {
    Body body;
    body.size = frame_size();
    body.since = node_.clock.monotonic_now();
    GatePass pass(loop_);
    const bool admitted = co_await admit(body, pass);
    if (!admitted) co_return false;
    // What came already is the frame's beginning: never more than the frame, as it is larger than a first
    // read.
    body.have = kept_.size() - 4;
    std::memcpy(body.buffer.data(), kept_.data() + 4, body.have);
    KeptBytes(kept_.get_allocator()).swap(kept_);
    arrival_ = &body;
    while (body.have < body.size && !closed_) {
      if (body.have == body.buffer.size().count()) {
        const bool grown = co_await grow(body);
        if (!grown) break;
      }
      std::size_t received = 0;
      char* to = reinterpret_cast<char*>(body.buffer.data()) + body.have;
      if (!receive(to, body.buffer.size().count() - body.have, received)) break;
      body.have += received;
      if (received > 0) continue;
      const bool readable = co_await wait_readable();
      if (!readable) break;
    }
    arrival_ = nullptr;
    if (closed_ || body.have < body.size) co_return false;
    proven_ = std::max(proven_, body.size);
    step = begin({reinterpret_cast<char*>(body.buffer.data()), body.size});
  }
  co_return co_await finish(step);
}

// Admitted against its full size, and with a first buffer: as much as the client has shown that it sends, or
// little.
asio::awaitable<bool> KafkaConnection::admit(Body& body, GatePass& pass) {
  if (!node_.gate.could_admit(Bytes(body.size))) {
    close_with("announces a request larger than what memory can admit", kept_.size(), Duration{});
    co_return false;
  }
  const MonotonicTime deadline = node_.clock.monotonic_now() + kAdmissionWait;
  const bool entered = co_await pass.enter(Bytes(body.size), deadline);
  if (!entered && !closed_)
    close_with("could not be let in with a large request in time", kept_.size(), kAdmissionWait);
  if (!entered || closed_) co_return false;
  co_return co_await grow(body);
}

// A larger buffer with what has come so far: the first, or twice the one before.
asio::awaitable<bool> KafkaConnection::grow(Body& body) {
  const bool trusted = node_.board.level() == Level::kNormal;
  const std::size_t first = trusted ? std::max(kFirstStep, std::bit_ceil(proven_)) : kFirstStep;
  const std::size_t wanted =
      body.buffer ? 2 * std::max(body.buffer.size().count(), std::uint64_t{kFirstStep} * 8) : first;
  const Bytes size(std::min<std::size_t>(body.size, wanted));
  RequestBuffers::Buffer larger = node_.requests.acquire(size);
  const Bytes needed = RequestBuffers::capacity_for(size);
  if (!larger && node_.cache.make_room_for(node_.bodies, needed)) larger = node_.requests.acquire(size);
  if (!larger) {
    const MonotonicTime deadline = node_.clock.monotonic_now() + kAdmissionWait;
    Charge room = co_await wait_for_memory(loop_, node_.bodies, needed, deadline, "kafka_request");
    if (closed_) co_return false;
    room.release();
    larger = node_.requests.acquire(size);
  }
  if (!larger) {
    close_with("sent a large request for which there was no memory in time", body.have, kAdmissionWait);
    co_return false;
  }
  if (body.buffer) std::memcpy(larger.data(), body.buffer.data(), body.have);
  body.buffer = std::move(larger);
  co_return true;
}

// Waits for what the request waits for, sends its answer, and rests as the answer said. False at the end.
asio::awaitable<bool> KafkaConnection::finish(Exchange::Step step) {
  while (step == Exchange::Step::kWait) {
    keep();
    if (closed_) co_return false;
    flush();
    if (!woken_.exchange(false, std::memory_order_acq_rel)) co_await rest_until(exchange_.deadline());
    woken_.store(false, std::memory_order_release);
    if (closed_) co_return false;
    Sink sink(output_);
    step = exchange_.resume(sink);
  }
  if (step == Exchange::Step::kClose) {
    flush();
    if (!closed_ && !failed()) {
      node_.traffic.protocol_errors.fetch_add(1, std::memory_order_relaxed);
      close_with(exchange_.fault(), output_.held(), Duration{});
    }
    co_return false;
  }
  // A small frame that is here already is answered before anything waits: both answers go together. But who
  // waits for the socket has to have asked to be told when it takes more.
  const bool mute = exchange_.mute().count() > 0;
  if (mute || !is_whole() || output_.pending() > 0) flush();
  if (output_.pending() == 0 && !mute) co_return !closed_ && !failed();
  keep();
  while (output_.pending() > 0 && !closed_ && !failed()) co_await rest_until(MonotonicTime::max());
  const MonotonicTime until = node_.clock.monotonic_now() + exchange_.mute();
  while (!closed_ && node_.clock.monotonic_now() < until) co_await rest_until(until);
  co_return !closed_ && !failed();
}

void KafkaConnection::wake() noexcept {
  if (woken_.exchange(true, std::memory_order_acq_rel)) return;
  // Null when it is just ending: then nobody waits.
  if (std::shared_ptr<Client> self = weak_from_this().lock()) {
    asio::post(loop_.io, [self = std::move(self)] { static_cast<KafkaConnection&>(*self).rouse(); });
  }
}

std::string KafkaConnection::address() const {
  std::error_code gone;
  return socket_.local_endpoint(gone).address().to_string();
}

void KafkaConnection::drain() {
  draining_ = true;
  // A fetch that waits for records ends; what is on its way in, to the disk or to the client is finished.
  const bool under_way = arrival_ != nullptr || exchange_.waits_for_disk() || output_.pending() > 0;
  if (input().empty() && !under_way) close();
}

}  // namespace plimsoll
