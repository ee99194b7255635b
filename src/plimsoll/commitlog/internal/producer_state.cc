#include "plimsoll/commitlog/internal/producer_state.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/commitlog/internal/wire_bytes.h"

namespace plimsoll {
namespace {

constexpr std::string_view kMagic = "PLPROD01";
constexpr std::size_t kFront = 16;  // magic, checksum, count

// Sequences begin again at 0 behind the greatest.
std::int32_t following(std::int32_t sequence, std::int32_t by) {
  constexpr std::int64_t kRound = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;
  return static_cast<std::int32_t>((std::int64_t{sequence} + by) % kRound);
}

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  store_big(bytes, value);
  out.append(bytes, sizeof bytes);
}

template <typename T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  value = load_big<T>(in.data());
  in.remove_prefix(sizeof value);
  return true;
}

}  // namespace

ProducerState::Verdict ProducerState::judge(const BatchHeader& header) const {
  const auto at = producers_.find(header.producer_id);
  if (at == producers_.end()) return {.fresh = true};
  const Producer& producer = at->second;
  if (header.producer_epoch < producer.epoch) return {.error = LogError::kInvalidProducerEpoch};
  if (header.producer_epoch > producer.epoch) {
    if (header.base_sequence != 0) return {.error = LogError::kOutOfOrderSequence};
    return {};
  }
  const std::int32_t last = following(header.base_sequence, header.last_offset_delta);
  for (std::size_t i = 0; i < producer.count; ++i) {
    const Sent& sent = producer.sent[i];
    if (sent.first_sequence == header.base_sequence && sent.last_sequence == last) {
      return {.duplicate = true,
              .base_offset = sent.last_offset - sent.last_delta,
              .last_offset = sent.last_offset};
    }
  }
  if (producer.count == 0) return {};
  const std::int32_t expected = following(producer.sent[producer.count - 1u].last_sequence, 1);
  if (header.base_sequence != expected) return {.error = LogError::kOutOfOrderSequence};
  return {};
}

void ProducerState::remember(const BatchHeader& header, std::int64_t now_ms) {
  Producer& producer = producers_[header.producer_id];
  if (producer.epoch != header.producer_epoch) producer.count = 0;
  producer.epoch = header.producer_epoch;
  producer.last_ms = std::max(producer.last_ms, now_ms);
  if (producer.count == kBatches) {
    std::move(producer.sent.begin() + 1, producer.sent.end(), producer.sent.begin());
    --producer.count;
  }
  producer.sent[producer.count++] = {
      .first_sequence = header.base_sequence,
      .last_sequence = following(header.base_sequence, header.last_offset_delta),
      .last_offset = header.last_offset(),
      .last_delta = header.last_offset_delta,
  };
}

std::size_t ProducerState::forget_before(std::int64_t time_ms) {
  return std::erase_if(producers_, [time_ms](const auto& entry) { return entry.second.last_ms < time_ms; });
}

void ProducerState::forget_oldest() {
  const auto oldest =
      std::min_element(producers_.begin(), producers_.end(),
                       [](const auto& a, const auto& b) { return a.second.last_ms < b.second.last_ms; });
  if (oldest != producers_.end()) producers_.erase(oldest);
}

void ProducerState::keep_newest(std::size_t most) {
  if (producers_.size() <= most) return;
  const auto last_of = [](const Producer& producer) {
    return producer.count == 0 ? -1 : producer.sent[producer.count - 1u].last_offset;
  };
  std::vector<std::int64_t> offsets;
  offsets.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) offsets.push_back(last_of(producer));
  const auto first_kept = offsets.end() - static_cast<std::ptrdiff_t>(most);
  std::nth_element(offsets.begin(), first_kept, offsets.end());
  std::erase_if(producers_, [&](const auto& entry) { return last_of(entry.second) < *first_kept; });
}

std::string ProducerState::snapshot() const {
  std::string body;
  put(body, static_cast<std::uint32_t>(producers_.size()));
  for (const auto& [id, producer] : producers_) {
    put(body, id);
    put(body, producer.last_ms);
    put(body, producer.epoch);
    put(body, std::uint16_t{producer.count});
    for (std::size_t i = 0; i < producer.count; ++i) {
      put(body, producer.sent[i].first_sequence);
      put(body, producer.sent[i].last_sequence);
      put(body, producer.sent[i].last_offset);
      put(body, producer.sent[i].last_delta);
    }
  }
  std::string bytes(kMagic);
  put(bytes, crc32c(0, body.data(), body.size()));
  return bytes + body;
}

std::optional<ProducerState> ProducerState::from_snapshot(std::string_view bytes) {
  if (bytes.size() < kFront || !bytes.starts_with(kMagic)) return std::nullopt;
  bytes.remove_prefix(kMagic.size());
  std::uint32_t crc = 0;
  std::uint32_t count = 0;
  if (!take(bytes, crc) || crc32c(0, bytes.data(), bytes.size()) != crc || !take(bytes, count)) {
    return std::nullopt;
  }
  ProducerState state;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::int64_t id = 0;
    Producer producer;
    std::uint16_t sent = 0;
    if (!take(bytes, id) || !take(bytes, producer.last_ms) || !take(bytes, producer.epoch))
      return std::nullopt;
    if (!take(bytes, sent) || sent > kBatches) return std::nullopt;
    for (producer.count = 0; producer.count < sent; ++producer.count) {
      Sent& one = producer.sent[producer.count];
      if (!take(bytes, one.first_sequence) || !take(bytes, one.last_sequence)) return std::nullopt;
      if (!take(bytes, one.last_offset) || !take(bytes, one.last_delta)) return std::nullopt;
    }
    state.producers_[id] = producer;
  }
  if (!bytes.empty()) return std::nullopt;
  return state;
}

}  // namespace plimsoll
