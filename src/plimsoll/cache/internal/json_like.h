// json_like(): values as services keep them, for the tests and benchmarks of compression: names that repeat,
// numbers and words that do not.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "plimsoll/base/random.h"

namespace plimsoll {

// The same for the same number, and another for another.
inline std::string json_like(std::uint64_t number, std::size_t size) {
  static constexpr std::array<std::string_view, 8> kNames{"id",   "name", "email",   "active",
                                                          "city", "tags", "created", "balance"};
  static constexpr std::array<std::string_view, 16> kWords{
      "alpha", "bravo",  "charlie", "delta", "echo", "foxtrot",  "golf",  "hotel",
      "india", "juliet", "kilo",    "lima",  "mike", "november", "oscar", "papa"};
  Random random(number * 1'000'003 + 17);
  auto word = [&] { return kWords[random.below(kWords.size())]; };
  std::string json = "{\"number\":" + std::to_string(number);
  for (std::size_t i = 0; json.size() < size; ++i) {
    json.append(",\"").append(kNames[i % kNames.size()]).append("\":");
    switch (i % 4) {
      case 0:
        json += std::to_string(random.below(1'000'000'000));
        break;
      case 1:
        json.append("\"").append(word()).append(" ").append(word()).append("\"");
        break;
      case 2:
        json.append("\"").append(word()).append(".").append(word());
        json.append(std::to_string(random.below(1000))).append("@example.com\"");
        break;
      default:
        json += random.below(2) == 0 ? "true" : "false";
    }
  }
  json.resize(size - 1);
  return json += '}';
}

}  // namespace plimsoll
