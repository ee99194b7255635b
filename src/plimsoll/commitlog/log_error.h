// LogError: why a log refuses what a client asks of it, as a value.
//
// The names follow Kafka's error codes where there is one, so that a broker's table is one switch; what a
// client sent wrong and what the disk does wrong are never the same value.
//
// Thread-safety: a value. Cost: one byte. Limits: none. Errors: is one.
#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll {

enum class LogError : std::uint8_t {
  kNone,
  kOffsetOutOfRange,      // below the start or above the end
  kCorrupt,               // lengths that lie, or a checksum that does not match
  kTooLarge,              // more than max.message.bytes
  kInvalidRecord,         // well formed, but not what may be stored here; record_index says which, if one did
  kUnsupportedFormat,     // a record batch of another version than 2
  kUnsupportedCodec,      // compressed by something nobody knows
  kOutOfOrderSequence,    // a gap in what an idempotent producer sends
  kInvalidProducerEpoch,  // an older instance of a producer
  kInvalidTimestamp,      // further from now than message.timestamp.difference.max.ms
  kNoMemory,              // the line does not grant what remembering it takes; try again
  kStorage,               // the disk refuses or failed; or the topic has been removed
};
std::string_view name_of(LogError error);

}  // namespace plimsoll
