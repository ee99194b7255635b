#include "plimsoll/commitlog/log_error.h"

namespace plimsoll {

std::string_view name_of(LogError error) {
  switch (error) {
    case LogError::kNone:
      return "none";
    case LogError::kOffsetOutOfRange:
      return "offset out of range";
    case LogError::kCorrupt:
      return "corrupt";
    case LogError::kTooLarge:
      return "too large";
    case LogError::kInvalidRecord:
      return "invalid record";
    case LogError::kUnsupportedFormat:
      return "unsupported format";
    case LogError::kUnsupportedCodec:
      return "unsupported codec";
    case LogError::kOutOfOrderSequence:
      return "out of order sequence";
    case LogError::kInvalidProducerEpoch:
      return "invalid producer epoch";
    case LogError::kInvalidTimestamp:
      return "invalid timestamp";
    case LogError::kNoMemory:
      return "no memory";
    case LogError::kStorage:
      return "storage";
  }
  return "?";
}

}  // namespace plimsoll
