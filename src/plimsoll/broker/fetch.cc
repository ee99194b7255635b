// Fetch: what a client reads, and its wait for more.
#include <algorithm>

#include "plimsoll/broker/internal/nested.h"
#include "plimsoll/broker/internal/request_context.h"
#include "plimsoll/wire/kafka_fetch.h"

namespace plimsoll {
namespace {

using kafka::Code;
using Request = kafka::FetchRequest;
using Response = kafka::FetchResponse;

constexpr std::chrono::seconds kLongestWait{300};
// Where there is no memory to wait with, the client is told to wait itself.
constexpr std::chrono::milliseconds kInsteadOfAWait{100};
// Partitions of which one reply sends something: each is a file that stays open until it is sent, and all of
// a large topic would be more than a process may have open.
constexpr std::size_t kMostFiles = 256;

// One partition that is read. It is told by the log when there may be more.
struct Source {
  std::int32_t index = 0;
  Code code = Code::kNone;
  std::int64_t offset = 0;
  std::int32_t most = 0;
  Partition* partition = nullptr;
};

struct Found {
  const Source* source = nullptr;
  Code code = Code::kNone;
  std::int64_t start_offset = -1;
  std::int64_t end_offset = -1;
  SendPlan plan;
  std::uint32_t tag = 0;
};

Response::Partition shown(const Found& found) {
  Response::Partition partition;
  partition.partition_index = found.source->index;
  partition.error_code = found.code;
  partition.high_watermark = found.end_offset;
  partition.last_stable_offset = found.end_offset;
  partition.log_start_offset = found.start_offset;
  partition.aborted_transactions = kafka::Array<Response::AbortedTransaction>::none();
  partition.preferred_read_replica = -1;
  partition.records.elsewhere = found.plan.size.count();
  partition.records.tag = found.tag;
  return partition;
}

// What was asked for, without its frame: names are the topics' own, as long as all of them are known.
struct Asked {
  Nested<Source> sources;
  std::vector<std::shared_ptr<Topic>> topics;
  std::uint64_t most = 0;
  std::uint64_t least = 0;
  bool faulty = false;  // something is to be told at once
};

class Reading {
 public:
  explicit Reading(const Asked& asked) : asked_(asked) { found_.items.reserve(asked.sources.items.size()); }

  // What there is now, as much as fits.
  void read() {
    std::uint64_t left = asked_.most;
    for (const auto& group : asked_.sources.groups) {
      found_.begin_topic(group.name);
      for (std::size_t i = 0; i < group.count; ++i) {
        found_.add(read(asked_.sources.items[group.first + i], left));
        left -= std::min(left, found_.items.back().plan.size.count());
      }
    }
  }
  bool enough() const { return faulty_ || files_ == kMostFiles || bytes_ >= asked_.least; }
  std::uint64_t bytes() const { return bytes_; }

  bool write(ReplySink& sink, const ReplyAddress& address, std::int32_t throttle_ms) {
    std::vector<const SendPlan*> plans;
    plans.reserve(found_.items.size());
    for (Found& found : found_.items) {
      found.tag = static_cast<std::uint32_t>(plans.size());
      plans.push_back(&found.plan);
    }
    Response response;
    response.throttle_time_ms = throttle_ms;
    response.session_id = 0;  // no session: nothing is kept between fetches
    response.responses = found_.topics<Response::Topic, Response::Partition, shown>();
    return write_reply(sink, address, response, plans);
  }

 private:
  Found read(const Source& source, std::uint64_t left) {
    Found found{.source = &source, .code = source.code};
    if (source.partition == nullptr) {
      faulty_ = true;
      return found;
    }
    std::uint64_t most = std::min<std::uint64_t>(left, static_cast<std::uint64_t>(std::max(source.most, 0)));
    if (files_ == kMostFiles) most = 0;
    ReadOutcome outcome = source.partition->read(source.offset, Bytes(most), bytes_ == 0);
    found.code = source.partition->removed() ? Code::kUnknownTopicOrPartition : code_of(outcome.error);
    found.start_offset = outcome.start_offset;
    found.end_offset = outcome.end_offset;
    if (found.code != Code::kNone) {
      faulty_ = true;
      return found;
    }
    found.plan = std::move(outcome.plan);
    if (found.plan.file) ++files_;
    bytes_ += found.plan.size.count();
    return found;
  }

  const Asked& asked_;
  Nested<Found> found_;
  std::uint64_t bytes_ = 0;
  std::size_t files_ = 0;
  bool faulty_ = false;
};

}  // namespace

// Waits for records without a thread and without a buffer.
class FetchWait final : public Exchange::Wait {
 public:
  FetchWait(RequestContext& context, Asked asked, MonotonicTime until, Charge charge)
      : charge_(std::move(charge)),
        broker_(context.broker),
        link_(context.link()),
        address_(context.address),
        throttle_ms_(context.throttle_ms()),
        asked_(std::move(asked)),
        watches_(asked_.sources.items.size()) {
    deadline = until;
    broker_.counters_.fetches_waiting.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < watches_.size(); ++i) {
      watches_[i].owner = this;
      asked_.sources.items[i].partition->watch(watches_[i]);
    }
  }
  ~FetchWait() override {
    for (std::size_t i = 0; i < watches_.size(); ++i) asked_.sources.items[i].partition->unwatch(watches_[i]);
    broker_.counters_.fetches_waiting.fetch_sub(1, std::memory_order_relaxed);
  }

  // Of all that it asks for.
  static Bytes cost(const Asked& asked) {
    return Bytes(sizeof(FetchWait) + asked.sources.items.capacity() * sizeof(Source) +
                 asked.sources.items.size() * sizeof(Watch) +
                 asked.sources.groups.capacity() * sizeof(asked.sources.groups[0]) +
                 asked.topics.capacity() * sizeof(asked.topics[0]));
  }

  Exchange::Step resume(ReplySink& sink) override {
    Reading reading(asked_);
    reading.read();
    if (!reading.enough() && broker_.options().clock.monotonic_now() < deadline) return Exchange::Step::kWait;
    broker_.counters_.fetched_bytes.fetch_add(reading.bytes(), std::memory_order_relaxed);
    return reading.write(sink, address_, throttle_ms_) ? Exchange::Step::kReplied : Exchange::Step::kClose;
  }

 private:
  struct Watch final : LogWatcher {
    void changed() noexcept override { owner->link_.wake(); }
    FetchWait* owner = nullptr;
  };

  const Charge charge_;
  Broker& broker_;
  Exchange::Link& link_;
  const ReplyAddress address_;
  const std::int32_t throttle_ms_;
  const Asked asked_;
  std::vector<Watch> watches_;
};

namespace {

Source source_of(const Topic* topic, const Request::Partition& part, Code why) {
  Source source{
      .index = part.partition, .code = why, .offset = part.fetch_offset, .most = part.partition_max_bytes};
  if (topic == nullptr) return source;
  if (part.partition < 0 || part.partition >= topic->partition_count()) {
    source.code = Code::kUnknownTopicOrPartition;
  } else if (part.current_leader_epoch > Broker::kLeaderEpoch) {
    source.code = Code::kUnknownLeaderEpoch;
  } else {
    source.partition = &topic->partition(part.partition);
    source.code = Code::kNone;
  }
  return source;
}

// False: too many were named.
bool take_sources(RequestContext& context, const Request& request, Asked& asked) {
  bool few = true;
  request.topics.for_each([&](const Request::Topic& topic_asked) {
    if (!few || asked.sources.items.size() + topic_asked.partitions.size() > Broker::kMostNamed) {
      few = false;
      return;
    }
    Code why = Code::kNone;
    std::shared_ptr<Topic> topic = context.broker.topic(topic_asked.topic, false, why);
    asked.sources.begin_topic(topic ? std::string_view(topic->name()) : topic_asked.topic);
    topic_asked.partitions.for_each([&](const Request::Partition& part) {
      asked.sources.add(source_of(topic.get(), part, why));
      asked.faulty = asked.faulty || asked.sources.items.back().partition == nullptr;
    });
    if (topic) asked.topics.push_back(std::move(topic));
  });
  return few;
}

constexpr std::int32_t kNoSession = -1;  // as a session's epoch

std::uint64_t most_bytes(RequestContext& context, const Request& request) {
  std::uint64_t most = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(request.max_bytes, 0)),
                                               context.broker.options().fetch_maximum.count());
  const unsigned cut = context.admission.share_shift;
  if (cut == 0) return most;
  context.counters().fetches_cut.fetch_add(1, std::memory_order_relaxed);
  return std::max<std::uint64_t>(most >> cut, 1);
}

}  // namespace

Exchange::Step handle_fetch(RequestContext& context) {
  context.counters().fetch_requests.fetch_add(1, std::memory_order_relaxed);
  return with_request<Request>(context, [&](const Request& request) {
    // No session is ever given out. Epoch -1 asks for none, whatever id stands with it (kafka-go: -1), and
    // Apache Kafka answers that as a fetch without a session.
    if (request.session_id != 0 && request.session_epoch != kNoSession) {
      Response response;
      response.throttle_time_ms = context.throttle_ms();
      response.error_code = Code::kFetchSessionIdNotFound;
      return context.reply(response);
    }
    Asked asked;
    if (!take_sources(context, request, asked)) return context.close("it named more than 65,536 partitions");
    asked.most = most_bytes(context, request);
    // Not more than may be sent, for which it would wait in vain.
    asked.least = std::min(asked.most, static_cast<std::uint64_t>(std::max(request.min_bytes, 0)));
    const auto wait = std::min<std::chrono::milliseconds>(
        std::chrono::milliseconds(std::max(request.max_wait_ms, 0)), kLongestWait);
    Reading reading(asked);
    reading.read();
    const auto answer = [&] {
      context.counters().fetched_bytes.fetch_add(reading.bytes(), std::memory_order_relaxed);
      return reading.write(context.sink, context.address, context.throttle_ms())
                 ? Exchange::Step::kReplied
                 : context.close("its reader takes no more");
    };
    if (asked.faulty || asked.sources.items.empty() || reading.enough() || wait.count() == 0) return answer();
    Charge charge;
    if (Account* const account = context.broker.options().waits; account != nullptr) {
      charge = account->charge(FetchWait::cost(asked));
      if (!charge) {
        context.mute(std::min(wait, kInsteadOfAWait));
        return answer();
      }
    }
    const MonotonicTime until = context.broker.options().clock.monotonic_now() + wait;
    auto waiting = std::make_unique<FetchWait>(context, std::move(asked), until, std::move(charge));
    context.wait(std::move(waiting));
    // What came between the reading and the watching would wake nobody.
    context.link().wake();
    return Exchange::Step::kWait;
  });
}

}  // namespace plimsoll
