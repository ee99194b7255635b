// The C interface of librdkafka with owners for what it hands out, and faults that end the test with words.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace plimsoll::kafka_test {

[[noreturn]] inline void fail(const std::string& what) {
  std::printf("FAILED  %s\n", what.c_str());
  std::fflush(stdout);
  std::_Exit(1);  // a client in trouble may never end by itself
}

inline void expect(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

inline void expect_ok(rd_kafka_resp_err_t error, const std::string& what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(what + ": " + rd_kafka_err2str(error));
}

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* what) const {
    kFree(what);
  }
};

using Client = std::unique_ptr<rd_kafka_t, Freed<rd_kafka_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Freed<rd_kafka_message_destroy>>;
using Partitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Freed<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Freed<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Freed<rd_kafka_event_destroy>>;

using Settings = std::initializer_list<std::pair<const char*, std::string>>;
using Delivered = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void* opaque);

inline Client client(rd_kafka_type_t type, Settings settings, Delivered delivered = nullptr,
                     void* opaque = nullptr) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) fail(why);
  }
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_conf_set_opaque(conf, opaque);
  Client made(rd_kafka_new(type, conf, why, sizeof why));
  if (!made) fail(why);
  return made;
}

struct Record {
  const std::string& topic;
  std::int32_t partition = 0;
  std::string_view key = {};
  std::string_view value = {};
  std::int64_t timestamp = 0;  // 0: now
};

inline rd_kafka_vu_t argument(rd_kafka_vtype_t type) {
  rd_kafka_vu_t made{};
  made.vtype = type;
  return made;
}

inline rd_kafka_vu_t argument(rd_kafka_vtype_t type, std::string_view bytes) {
  rd_kafka_vu_t made = argument(type);
  made.u.mem.ptr = const_cast<char*>(bytes.data());  // copied, never written
  made.u.mem.size = bytes.size();
  return made;
}

// As an array of arguments: the macros of the other way cast as C does.
inline rd_kafka_resp_err_t produce(rd_kafka_t* producer, const Record& record) {
  rd_kafka_vu_t arguments[] = {argument(RD_KAFKA_VTYPE_TOPIC),
                               argument(RD_KAFKA_VTYPE_PARTITION),
                               argument(RD_KAFKA_VTYPE_MSGFLAGS),
                               argument(RD_KAFKA_VTYPE_KEY, record.key),
                               argument(RD_KAFKA_VTYPE_VALUE, record.value),
                               argument(RD_KAFKA_VTYPE_TIMESTAMP)};
  arguments[0].u.cstr = record.topic.c_str();
  arguments[1].u.i32 = record.partition;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[5].u.i64 = record.timestamp;
  rd_kafka_error_t* error = rd_kafka_produceva(producer, arguments, std::size(arguments));
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

inline std::string_view bytes_of(const std::int64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

inline Partitions one_partition(const std::string& topic, int partition, std::int64_t offset) {
  Partitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  return list;
}

// A reader of one partition from an offset to its end, by assign(): the group's name is asked for, and not
// used.
inline Client reader(const std::string& address, const std::string& topic, int partition,
                     std::int64_t offset) {
  Client made = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", address},
                                           {"group.id", "unused"},
                                           {"enable.auto.commit", "false"},
                                           {"enable.partition.eof", "true"},
                                           {"auto.offset.reset", "error"},
                                           {"check.crcs", "true"}});
  expect_ok(rd_kafka_assign(made.get(), one_partition(topic, partition, offset).get()), "assign");
  return made;
}

// Calls `use(const rd_kafka_message_t&)` for each until the end; answers how many there were.
template <typename Use>
std::int64_t read_to_end(rd_kafka_t* consumer, const std::string& what, Use use) {
  constexpr int kPatienceMs = 20000;
  for (std::int64_t count = 0;; ++count) {
    Message message(rd_kafka_consumer_poll(consumer, kPatienceMs));
    expect(message != nullptr, what + ": nothing more came after " + std::to_string(count));
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return count;
    expect_ok(message->err, what);
    use(*message);
  }
}

}  // namespace plimsoll::kafka_test
