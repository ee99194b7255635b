// kafka_flood_client: what floods a broker, what waits calmly beside it, and what looks whether all of it is
// there.
//
//   kafka_flood_client write ADDRESS TOPIC PARTITION SECONDS   1 KiB messages, idempotent, as fast as they
//   are taken kafka_flood_client check ADDRESS TOPIC PARTITION END       every message from the first that is
//   kept, in its place kafka_flood_client calm ADDRESS TOPIC SECONDS              one small message after the
//   other, written and read
//
// Each prints one JSON object. One idempotent producer has the partition to itself and never gives up on a
// message, so that message n lies at offset n: nobody has to remember what was confirmed.
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "rdkafka.h"

namespace plimsoll::kafka_test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessage = 1024;
constexpr auto kPace = std::chrono::milliseconds(20);
constexpr int kLastWordsMs = 60'000;  // for what is under way when the flood ends

volatile std::sig_atomic_t asked_to_end = 0;

std::int64_t number_of(std::string_view word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  expect(error == std::errc() && end == word.data() + word.size(), std::string(word) + " is no number");
  return number;
}

// The number first, then bytes that follow from it, so that a message cannot pass for another.
void fill(std::vector<char>& message, std::int64_t number) {
  std::memcpy(message.data(), &number, sizeof number);
  std::memset(message.data() + sizeof number, static_cast<int>('a' + number % 26),
              message.size() - sizeof number);
}

// --- write
// ----------------------------------------------------------------------------------------------------

struct Flood {
  std::int64_t confirmed = 0;
  std::int64_t failed = 0;
  std::int64_t misplaced = 0;
  std::string first_error;
};

void delivered(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* opaque) {
  auto* flood = static_cast<Flood*>(opaque);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (flood->failed++ == 0) flood->first_error = rd_kafka_err2str(message->err);
    return;
  }
  // A retry that turns out to be a duplicate is confirmed without an offset.
  if (message->offset >= 0 && message->offset != flood->confirmed) ++flood->misplaced;
  ++flood->confirmed;
}

int write(const std::string& address, const std::string& topic, int partition,
          std::chrono::seconds duration) {
  Flood flood;
  Client producer = client(RD_KAFKA_PRODUCER,
                           {{"bootstrap.servers", address},
                            {"enable.idempotence", "true"},
                            {"message.timeout.ms", "0"},
                            {"linger.ms", "5"},
                            {"queue.buffering.max.kbytes", "8192"}},
                           delivered, &flood);
  std::vector<char> message(kMessage);
  const auto end = Clock::now() + duration;
  std::int64_t sent = 0;
  while (Clock::now() < end && asked_to_end == 0) {
    fill(message, sent);
    const auto error = produce(
        producer.get(), {.topic = topic, .partition = partition, .value = {message.data(), message.size()}});
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(producer.get(), 100);
      continue;
    }
    expect_ok(error, "produce");
    ++sent;
    rd_kafka_poll(producer.get(), 0);
  }
  const bool answered = rd_kafka_flush(producer.get(), kLastWordsMs) == RD_KAFKA_RESP_ERR_NO_ERROR;
  std::printf(
      R"({"sent": %lld, "confirmed": %lld, "failed": %lld, "misplaced": %lld, "answered": %s, "error": "%s"})"
      "\n",
      static_cast<long long>(sent), static_cast<long long>(flood.confirmed),
      static_cast<long long>(flood.failed), static_cast<long long>(flood.misplaced),
      answered ? "true" : "false", flood.first_error.c_str());
  std::fflush(stdout);
  std::_Exit(0);  // destroying a producer whose messages nobody answers would wait for them
}

// --- check
// ----------------------------------------------------------------------------------------------------

int check(const std::string& address, const std::string& topic, int partition, std::int64_t least_end) {
  Client consumer = reader(address, topic, partition, RD_KAFKA_OFFSET_BEGINNING);
  std::int64_t first = -1;
  std::int64_t next = -1;
  std::vector<char> wanted(kMessage);
  const std::int64_t count = read_to_end(consumer.get(), topic, [&](const rd_kafka_message_t& message) {
    if (next < 0) first = next = message.offset;
    expect(message.offset == next,
           "offset " + std::to_string(message.offset) + " after " + std::to_string(next - 1));
    fill(wanted, message.offset);
    expect(message.len == wanted.size() && std::memcmp(message.payload, wanted.data(), wanted.size()) == 0,
           "another message at offset " + std::to_string(message.offset));
    ++next;
  });
  expect(next >= least_end,
         "the log ends at " + std::to_string(next) + ", confirmed were " + std::to_string(least_end));
  std::printf(R"({"first": %lld, "end": %lld, "count": %lld})"
              "\n",
              static_cast<long long>(first), static_cast<long long>(next), static_cast<long long>(count));
  return 0;
}

// --- calm
// -----------------------------------------------------------------------------------------------------

void count_delivery(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* opaque) {
  expect_ok(message->err, "the calm client's message");
  ++*static_cast<std::int64_t*>(opaque);
}

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

void print_waits(const char* name, std::vector<double>& waits) {
  std::sort(waits.begin(), waits.end());
  const auto at = [&](double share) {
    return waits.empty() ? 0 : waits[static_cast<std::size_t>(share * static_cast<double>(waits.size() - 1))];
  };
  std::printf(R"("%s_ms": {"count": %zu, "p50": %.2f, "p99": %.2f, "max": %.2f})", name, waits.size(),
              at(0.5), at(0.99), at(1));
}

// Until the reader has message `number`.
void await_message(rd_kafka_t* consumer, std::int64_t number) {
  for (;;) {
    Message message(rd_kafka_consumer_poll(consumer, kLastWordsMs));
    expect(message != nullptr, "the calm reader waits in vain");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;
    expect_ok(message->err, "the calm reader");
    std::int64_t came = -1;
    if (message->len == sizeof came) std::memcpy(&came, message->payload, sizeof came);
    expect(came == number, "the calm reader got " + std::to_string(came) + ", not " + std::to_string(number));
    return;
  }
}

int calm(const std::string& address, const std::string& topic, std::chrono::seconds duration) {
  std::int64_t confirmed = 0;
  Client producer =
      client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address}, {"acks", "1"}, {"linger.ms", "0"}},
             count_delivery, &confirmed);
  Client consumer = reader(address, topic, 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<double> written;
  std::vector<double> read;
  const auto end = Clock::now() + duration;
  auto turn = Clock::now();
  for (std::int64_t number = 0; turn < end && asked_to_end == 0; ++number) {
    std::this_thread::sleep_until(turn);
    const auto begun = Clock::now();
    expect_ok(produce(producer.get(), {.topic = topic, .value = bytes_of(number)}), "produce");
    while (confirmed <= number) rd_kafka_poll(producer.get(), 1000);
    const double written_ms = ms_since(begun);
    await_message(consumer.get(), number);
    if (number > 0) {  // the first also waits for connections and metadata
      written.push_back(written_ms);
      read.push_back(ms_since(begun));
    }
    turn = std::max(turn + kPace, Clock::now());
  }
  std::printf("{");
  print_waits("written", written);
  std::printf(", ");
  print_waits("read", read);
  std::printf("}\n");
  return 0;
}

int run(int count, char** words) {
  const std::string_view verb = count > 1 ? words[1] : "";
  std::signal(SIGTERM, [](int) { asked_to_end = 1; });
  if (verb == "write" && count == 6) {
    // What is measured is how long the broker lets others wait, and not how the scheduler shares out the
    // processors.
    ::setpriority(PRIO_PROCESS, 0, 10);
    return write(words[2], words[3], static_cast<int>(number_of(words[4])),
                 std::chrono::seconds(number_of(words[5])));
  }
  if (verb == "check" && count == 6) {
    return check(words[2], words[3], static_cast<int>(number_of(words[4])), number_of(words[5]));
  }
  if (verb == "calm" && count == 5)
    return calm(words[2], words[3], std::chrono::seconds(number_of(words[4])));
  std::printf("kafka_flood_client write|check|calm ADDRESS TOPIC ...\n");
  return 2;
}

}  // namespace
}  // namespace plimsoll::kafka_test

int main(int count, char** words) { return plimsoll::kafka_test::run(count, words); }
