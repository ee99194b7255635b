// Exchange: one Kafka request of one connection, from its frame to its reply.
//
// A connection has one, and uses it for one request after the other, because Kafka's clients expect answers
// in the order of their requests. A request that has to wait, for records to come or for the disk, keeps what
// it asked for and nothing of its frame: no thread and no buffer waits.
//
//   switch (exchange.begin(frame, sink)) {
//     case Exchange::Step::kWait: ... wait for wake() or exchange.deadline(), then exchange.resume(sink)
//
// Invariant: between requests it holds nothing. After begin() the frame is not read again.
//
// Thread-safety: one thread; Link::wake() is called on others and must only post. Cost: at rest 40 bytes; a
// waiting fetch about 100 bytes a partition. Limits: Broker's. Errors: kClose with fault() when the client
// broke the protocol. Ownership: refers to the broker and the link.
#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "plimsoll/broker/broker.h"
#include "plimsoll/broker/reply_sink.h"

namespace plimsoll {

class Exchange {
 public:
  enum class Step : std::uint8_t {
    kReplied,
    kNoReply,  // none is due
    kWait,     // until the link is woken or deadline() has passed
    kClose,    // the connection is at its end; fault() says why
  };

  // The connection, as far as its requests need it.
  class Link {
   public:
    virtual ~Link() = default;
    // What is waited for may have come. On any thread; must only post.
    virtual void wake() noexcept = 0;
    // Where the client reached us, without the port.
    virtual std::string address() const = 0;
  };

  // What waits, with the means to go on.
  class Wait {
   public:
    virtual ~Wait() = default;
    virtual Step resume(ReplySink& sink) = 0;
    MonotonicTime deadline = MonotonicTime::max();
  };

  Exchange(Broker& broker, Link& link) : broker_(broker), link_(link) {}

  // `frame`: a request without its length. Records in it are changed where the log has to.
  Step begin(std::span<char> frame, ReplySink& sink);
  // REQUIRES: the step before was kWait.
  Step resume(ReplySink& sink);
  MonotonicTime deadline() const { return wait_ ? wait_->deadline : MonotonicTime::max(); }
  // Whether what it has to answer has begun, and only the disk is waited for.
  bool waits_for_disk() const { return wait_ && wait_->deadline == MonotonicTime::max(); }
  // The connection at its end: whoever waited does not any more.
  void abandon() { wait_.reset(); }

  // How long no further request of the connection is to be read, as its last reply told the client.
  std::chrono::milliseconds mute() const { return mute_; }
  const char* fault() const { return fault_; }

 private:
  friend struct RequestContext;

  Broker& broker_;
  Link& link_;
  std::unique_ptr<Wait> wait_;
  std::chrono::milliseconds mute_{0};
  const char* fault_ = "";
};

}  // namespace plimsoll
