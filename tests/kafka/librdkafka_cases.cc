// kafka_librdkafka_cases ADDRESS: librdkafka through its C interface, idempotent writes and checked reads.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "rdkafka.h"

namespace plimsoll::kafka_test {
namespace {

constexpr int kWaitMs = 20000;
constexpr int kPartitions = 3;
// What is older than a topic's retention, a week, may go at any moment.
const std::int64_t kBegun = std::chrono::duration_cast<std::chrono::milliseconds>(
                                (std::chrono::system_clock::now() - std::chrono::hours(1)).time_since_epoch())
                                .count();

std::string fresh(const char* stem) {
  static int made = 0;
  return std::string(stem) + "-" + std::to_string(::getpid()) + "-" + std::to_string(made++);
}

// --- admin
// ----------------------------------------------------------------------------------------------------

Client admin(const std::string& address) {
  return client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address}});
}

Event answer_on(const Queue& queue, const char* what) {
  Event event(rd_kafka_queue_poll(queue.get(), kWaitMs));
  expect(event != nullptr, std::string(what) + ": no answer");
  expect(rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR,
         std::string(what) + ": " + rd_kafka_event_error_string(event.get()));
  return event;
}

std::string made(const std::string& address, const char* stem) {
  Client handle = admin(address);
  Queue queue(rd_kafka_queue_new(handle.get()));
  const std::string name = fresh(stem);
  char why[512];
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), kPartitions, 1, why, sizeof why);
  expect(topic != nullptr, why);
  rd_kafka_CreateTopics(handle.get(), &topic, 1, nullptr, queue.get());
  rd_kafka_NewTopic_destroy(topic);
  Event event = answer_on(queue, "create topics");
  std::size_t count = 0;
  const rd_kafka_topic_result_t** rows =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  expect(count == 1 && rd_kafka_topic_result_name(rows[0]) == name, "create topics answers for another");
  expect_ok(rd_kafka_topic_result_error(rows[0]), "create topics");
  return name;
}

// --- writing
// --------------------------------------------------------------------------------------------------

struct Written {
  std::vector<std::int64_t> next = std::vector<std::int64_t>(kPartitions, 0);
  std::int64_t count = 0;
};

// An idempotent producer's confirmations come in the order of the log.
void delivered(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* opaque) {
  auto* written = static_cast<Written*>(opaque);
  expect_ok(message->err, "delivery");
  std::int64_t& next = written->next[static_cast<std::size_t>(message->partition)];
  expect(message->offset == next,
         "confirmed at " + std::to_string(message->offset) + ", not " + std::to_string(next));
  ++next;
  ++written->count;
}

std::string value_of(std::int64_t number) {
  std::string value = "number " + std::to_string(number) + ' ';
  value.resize(value.size() + static_cast<std::size_t>(number * 7919 % 1500),
               static_cast<char>('a' + number % 26));
  return value;
}

void send(rd_kafka_t* producer, const std::string& topic, std::int64_t number) {
  const std::string value = value_of(number);
  for (;;) {
    const auto error = produce(producer, {.topic = topic,
                                          .partition = static_cast<std::int32_t>(number % kPartitions),
                                          .key = bytes_of(number),
                                          .value = value,
                                          .timestamp = kBegun + number});
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return expect_ok(error, "produce");
    rd_kafka_poll(producer, 100);
  }
}

void write(const std::string& address, const std::string& topic, std::int64_t count, const char* codec) {
  Written written;
  Client producer = client(RD_KAFKA_PRODUCER,
                           {{"bootstrap.servers", address},
                            {"enable.idempotence", "true"},
                            {"compression.type", codec},
                            {"linger.ms", "2"}},
                           delivered, &written);
  for (std::int64_t number = 0; number < count; ++number) {
    send(producer.get(), topic, number);
    rd_kafka_poll(producer.get(), 0);
  }
  expect_ok(rd_kafka_flush(producer.get(), kWaitMs), "flush");
  expect(written.count == count, std::to_string(written.count) + " were confirmed");
}

// --- reading
// --------------------------------------------------------------------------------------------------

std::string text_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.len};
}

// The record at `offset` of `partition` must be the one that was written there.
void check(const rd_kafka_message_t& message, int partition, std::int64_t offset) {
  const std::int64_t number = offset * kPartitions + partition;
  const std::string where = "partition " + std::to_string(partition) + " offset " + std::to_string(offset);
  expect(message.partition == partition && message.offset == offset, where + ": another place");
  expect(std::string_view(static_cast<const char*>(message.key), message.key_len) == bytes_of(number),
         where + ": key");
  expect(text_of(message) == value_of(number), where + ": another value");
  rd_kafka_timestamp_type_t type{};
  expect(rd_kafka_message_timestamp(&message, &type) == kBegun + number, where + ": another time");
}

void check_from(const std::string& address, const std::string& topic, int partition, std::int64_t first,
                std::int64_t end) {
  Client consumer = reader(address, topic, partition, first);
  std::int64_t next = first;
  read_to_end(consumer.get(), "reading",
              [&](const rd_kafka_message_t& message) { check(message, partition, next++); });
  expect(next == end, "the end is " + std::to_string(next) + ", not " + std::to_string(end));
}

// --- cases
// ----------------------------------------------------------------------------------------------------

void idempotent_writes_come_back(const std::string& address) {
  constexpr std::int64_t kCount = 60'000;
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    const std::string topic = made(address, "rd-codec");
    write(address, topic, kCount, codec);
    for (int partition = 0; partition < kPartitions; ++partition) {
      check_from(address, topic, partition, 0, kCount / kPartitions);
    }
    check_from(address, topic, 1, kCount / kPartitions - 10, kCount / kPartitions);
  }
}

void times_and_ends_are_found(const std::string& address) {
  const std::string topic = made(address, "rd-time");
  write(address, topic, 3000, "lz4");
  Client consumer = reader(address, topic, 0, 0);
  std::int64_t low = -1;
  std::int64_t high = -1;
  expect_ok(rd_kafka_query_watermark_offsets(consumer.get(), topic.c_str(), 2, &low, &high, kWaitMs),
            "watermarks");
  expect(low == 0 && high == 1000, "watermarks " + std::to_string(low) + " " + std::to_string(high));
  for (std::int64_t offset : {0, 1, 500, 999}) {
    Partitions asked = one_partition(topic, 2, kBegun + 3 * offset);  // between the times of two records
    expect_ok(rd_kafka_offsets_for_times(consumer.get(), asked.get(), kWaitMs), "times");
    expect(asked->elems[0].offset == offset, "by time " + std::to_string(asked->elems[0].offset));
  }
}

void deleted_records_are_gone(const std::string& address) {
  const std::string topic = made(address, "rd-delete");
  write(address, topic, 300, "none");
  Client handle = admin(address);
  Queue queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(one_partition(topic, 1, 42).get());
  rd_kafka_DeleteRecords(handle.get(), &request, 1, nullptr, queue.get());
  rd_kafka_DeleteRecords_destroy(request);
  Event event = answer_on(queue, "delete records");
  const auto* rows = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  expect_ok(rows->elems[0].err, "delete records");
  expect(rows->elems[0].offset == 42, "the first is now " + std::to_string(rows->elems[0].offset));
  check_from(address, topic, 1, 42, 100);
  Client consumer = reader(address, topic, 1, 41);
  Message message(rd_kafka_consumer_poll(consumer.get(), kWaitMs));
  expect(message && message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, "what was deleted is still there");
}

void the_cluster_tells_who_it_is(const std::string& address) {
  Client handle = admin(address);
  char* cluster = rd_kafka_clusterid(handle.get(), kWaitMs);
  expect(cluster != nullptr && *cluster != '\0', "no cluster id");
  rd_kafka_mem_free(handle.get(), cluster);
  expect(rd_kafka_controllerid(handle.get(), kWaitMs) >= 0, "no controller");
}

int run(const std::string& address) {
  struct Case {
    const char* name;
    void (*run)(const std::string&);
  };
  for (const Case& each : {Case{"the_cluster_tells_who_it_is", the_cluster_tells_who_it_is},
                           Case{"idempotent_writes_come_back", idempotent_writes_come_back},
                           Case{"times_and_ends_are_found", times_and_ends_are_found},
                           Case{"deleted_records_are_gone", deleted_records_are_gone}}) {
    const auto begun = std::chrono::steady_clock::now();
    std::printf("%s\n", each.name);
    std::fflush(stdout);
    each.run(address);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf("ok      %s (%.1f s)\n", each.name, took.count());
  }
  return 0;
}

}  // namespace
}  // namespace plimsoll::kafka_test

int main(int count, char** words) {
  if (count != 2) {
    std::printf("kafka_librdkafka_cases ADDRESS\n");
    return 2;
  }
  return plimsoll::kafka_test::run(words[1]);
}
