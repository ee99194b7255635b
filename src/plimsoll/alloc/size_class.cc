#include "plimsoll/alloc/size_class.h"

namespace plimsoll {

Result<SizeClasses> SizeClasses::make(std::span<const std::size_t> sizes) {
  std::array<std::uint16_t, kMost> rounded{};
  unsigned count = 0;
  for (std::size_t size : sizes) {
    if (size == 0 || size > kLargest) return fail(ErrorCode::kInvalid, "a size class is 1 to 32768 bytes");
    const auto whole = static_cast<std::uint16_t>((size + kGranule - 1) / kGranule * kGranule);
    if (count > 0 && whole == rounded[count - 1]) continue;
    if (count > 0 && whole < rounded[count - 1])
      return fail(ErrorCode::kInvalid, "size classes must grow from one to the next");
    if (count == kMost) return fail(ErrorCode::kInvalid, "there are at most 64 size classes");
    rounded[count++] = whole;
  }
  if (count == 0 || rounded[count - 1] != kLargest) {
    if (count == kMost) return fail(ErrorCode::kInvalid, "the last of 64 size classes must be 32768");
    rounded[count++] = kLargest;
  }
  SizeClasses made;
  made.sizes_ = {};
  made.fill({rounded.data(), count});
  return made;
}

}  // namespace plimsoll
