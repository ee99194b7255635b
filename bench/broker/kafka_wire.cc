#include "kafka_wire.h"

#include "broker_client.h"
#include "plimsoll/base/crc32c.h"

namespace plimsoll {

namespace {

constexpr std::size_t kCorrelationAt = 8;  // after the size, the key and the version

std::string begun(std::int16_t key, std::int16_t version) {
  std::string frame(4, '\0');  // its size, when it is known
  put_number<std::int16_t>(frame, key);
  put_number<std::int16_t>(frame, version);
  put_number<std::int32_t>(frame, 0);
  put_text(frame, "bench");
  return frame;
}

template <typename T>
void set_number(std::string& text, std::size_t place, T number) {
  std::string bytes;
  put_number<T>(bytes, number);
  text.replace(place, bytes.size(), bytes);
}

void put_zigzag(std::string& out, std::int32_t number) {
  auto value = static_cast<std::uint32_t>(number) << 1 ^ static_cast<std::uint32_t>(number >> 31);
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// A record batch of version 2 with the message in it.
std::string batch_of_one() {
  std::string record;
  record += '\0';          // attributes
  put_zigzag(record, 0);   // after the base timestamp
  put_zigzag(record, 0);   // after the base offset
  put_zigzag(record, -1);  // no key
  put_zigzag(record, static_cast<std::int32_t>(kMessage));
  record += the_message();
  put_zigzag(record, 0);  // headers

  std::string body;  // what the CRC covers
  constexpr std::int64_t kTime = 1'700'000'000'000;
  put_number<std::int16_t>(body, 0);  // attributes
  put_number<std::int32_t>(body, 0);  // last offset delta
  put_number<std::int64_t>(body, kTime);
  put_number<std::int64_t>(body, kTime);
  put_number<std::int64_t>(body, -1);  // producer
  put_number<std::int16_t>(body, -1);
  put_number<std::int32_t>(body, -1);
  put_number<std::int32_t>(body, 1);  // records
  put_zigzag(body, static_cast<std::int32_t>(record.size()));
  body += record;

  std::string batch;
  put_number<std::int64_t>(batch, 0);
  put_number<std::int32_t>(batch, static_cast<std::int32_t>(9 + body.size()));
  put_number<std::int32_t>(batch, -1);  // leader epoch
  batch += '\2';
  put_number<std::uint32_t>(batch, crc32c(0, body.data(), body.size()));
  return batch + body;
}

}  // namespace

bool KafkaWire::ask(std::string frame, std::string& answer) {
  set_number<std::int32_t>(frame, 0, static_cast<std::int32_t>(frame.size() - 4));
  set_number<std::int32_t>(frame, kCorrelationAt, ++correlation_);
  socket_.put(frame);
  auto size = socket_.flush() ? socket_.bytes(4) : std::nullopt;
  if (!size) return client_fails("kafka", "the connection is lost");
  auto body = socket_.bytes(number_at<std::uint32_t>(*size, 0));
  if (!body || number_at<std::int32_t>(*body, 0) != correlation_) return client_fails("kafka", "no answer");
  answer = *body;
  return true;
}

bool KafkaWire::greet() {
  std::string answer;
  return ask(begun(18, 0), answer) && number_at<std::int16_t>(answer, 4) == 0;
}

bool KafkaWire::create(const std::string& topic, std::int32_t partitions) {
  std::string frame = begun(19, 2);
  put_number<std::int32_t>(frame, 1);
  put_text(frame, topic);
  put_number<std::int32_t>(frame, partitions);
  put_number<std::int16_t>(frame, 1);  // replicas
  put_number<std::int32_t>(frame, 0);  // assignments
  put_number<std::int32_t>(frame, 0);  // settings
  put_number<std::int32_t>(frame, 60'000);
  frame += '\0';
  std::string answer;
  if (!ask(frame, answer)) return false;
  // correlation, throttle time, one topic, its name
  const auto error = number_at<std::int16_t>(answer, 14 + topic.size());
  return error == 0 || client_fails("kafka", "CreateTopics: error " + std::to_string(error));
}

bool KafkaWire::drop(const std::string& topic) {
  std::string frame = begun(20, 1);
  put_number<std::int32_t>(frame, 1);
  put_text(frame, topic);
  put_number<std::int32_t>(frame, 60'000);
  std::string answer;
  if (!ask(frame, answer)) return false;
  const auto error = number_at<std::int16_t>(answer, 14 + topic.size());
  return error == 0 || client_fails("kafka", "DeleteTopics: error " + std::to_string(error));
}

bool KafkaWire::produce_one(const std::string& topic) {
  if (topic_ != topic) {
    const std::string batch = batch_of_one();
    frame_ = begun(0, 7);
    put_number<std::int16_t>(frame_, -1);  // no transaction
    put_number<std::int16_t>(frame_, 1);   // acks
    put_number<std::int32_t>(frame_, 30'000);
    put_number<std::int32_t>(frame_, 1);
    put_text(frame_, topic);
    put_number<std::int32_t>(frame_, 1);
    put_number<std::int32_t>(frame_, 0);  // the partition
    put_number<std::int32_t>(frame_, static_cast<std::int32_t>(batch.size()));
    frame_ += batch;
    set_number<std::int32_t>(frame_, 0, static_cast<std::int32_t>(frame_.size() - 4));
    topic_ = topic;
  }
  set_number<std::int32_t>(frame_, kCorrelationAt, ++correlation_);
  socket_.put(frame_);
  auto size = socket_.flush() ? socket_.bytes(4) : std::nullopt;
  if (!size) return client_fails("kafka", "the connection is lost");
  auto answer = socket_.bytes(number_at<std::uint32_t>(*size, 0));
  if (!answer) return client_fails("kafka", "the connection is lost");
  // correlation, one topic, its name, one partition, its number
  const auto error = number_at<std::int16_t>(*answer, 18 + topic.size());
  return error == 0 || client_fails("kafka", "Produce: error " + std::to_string(error));
}

}  // namespace plimsoll
