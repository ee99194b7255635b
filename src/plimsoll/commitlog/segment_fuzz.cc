// Any bytes as the files of a partition: a log that was whole, changed as the input says, and indexes and a
// producers' snapshot of the input's bytes. Opening must not crash, and what is read is a beginning of what
// was written.
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "plimsoll/commitlog/log_fixture_test.h"

namespace plimsoll {
namespace {

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte() {
    if (at_ >= bytes_.size()) return 0;
    return bytes_[at_++];
  }
  std::size_t number() { return (std::size_t{byte()} << 8) | byte(); }
  std::string text(std::size_t most) {
    const std::size_t size = std::min(most, bytes_.size() - at_);
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return text;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string whole_log() {
  std::string all;
  std::int64_t offset = 0;
  for (int i = 0; i < 60; ++i) {
    all += with_offset(batch_of({.count = 2,
                                 .value = static_cast<std::size_t>(i) * 7,
                                 .timestamp = kNow + i * 10,
                                 .producer = {.id = 3, .epoch = 0, .base_sequence = 2 * i}}),
                       offset);
    offset += 2;
  }
  return all;
}

// The leader epoch is not under the checksum, and nobody here reads it.
std::string without_epochs(std::string log) {
  for (std::size_t at = 0; at < log.size();) {
    const std::span<char> batch = std::span(log).subspan(at);
    set_leader_epoch(batch, 0);
    at += read_batch_header(batch)->size();
  }
  return log;
}

void run(Input input) {
  static const std::string log = whole_log();
  static LogFixture fixture;
  fixture.close();
  std::filesystem::remove_all(fixture.directory() + "/topics/a");
  const std::string directory = fixture.directory() + "/topics/a/0/";
  std::filesystem::create_directories(directory);
  write_file(fixture.directory() + "/topics/a/topic.conf",
             "id = 00112233445566778899aabbccddeeff\npartitions = 1\n");
  // Without its points a store takes the machine for started anew, and checks all. With them it trusts all
  // but the end of the last segment.
  const bool check_all = input.byte() % 2 == 0;
  if (check_all) std::filesystem::remove(fixture.directory() + "/points");
  std::string bytes = log.substr(0, log.size() - input.number() % log.size());
  for (int i = input.byte() % 4; i > 0; --i)
    bytes[input.number() % bytes.size()] ^= static_cast<char>(input.byte());
  if (input.byte() % 4 == 0) bytes += input.text(input.byte());
  write_file(directory + "00000000000000000000.log", bytes);
  write_file(directory + "00000000000000000000.index", input.text(input.byte()));
  write_file(directory + "00000000000000000000.timeindex", input.text(input.byte()));
  write_file(directory + "00000000000000000040.producers", input.text(input.byte()));
  if (check_all && input.byte() % 4 == 0) write_file(directory + "00000000000000000030.log", input.text(200));
  fixture.open();
  Partition& partition = fixture.store().find("a")->partition(0);
  const std::int64_t start = partition.start_offset();
  const std::int64_t end = partition.end_offset();
  PLIMSOLL_CHECK(start >= 0 && end >= start && end <= 120);
  if (start == 0 && end > 0) {
    PLIMSOLL_CHECK(log.starts_with(without_epochs(read_all(partition, 0))), "data that nobody wrote");
  }
  static_cast<void>(partition.find_time(kNow + input.byte()));
  static_cast<void>(partition.latest_time());
  for (std::int64_t offset = start; offset < end; offset += 5) {
    const ReadOutcome outcome = partition.read(offset, 1_KiB, true);
    PLIMSOLL_CHECK(outcome.error == LogError::kNone);
  }
  PLIMSOLL_CHECK(append(partition, batch_of(1)).error == LogError::kNone);
  fixture.store().CheckInvariants();
}

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::run(plimsoll::Input({data, size}));
  return 0;
}
