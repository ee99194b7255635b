#include "plimsoll/server/transaction.h"

#include <algorithm>
#include <utility>

namespace plimsoll {
namespace {

constexpr std::size_t kAround = 3 * 16 + 2 * sizeof(void*);  // what the heap and the list add

bool has_body(std::span<const ExtentRef> bodies, std::size_t index) {
  return index < bodies.size() && bodies[index];
}

}  // namespace

Transaction::Request::Request(std::span<const std::string_view> args, std::span<ExtentRef> bodies) {
  sizes_.reserve(args.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < args.size(); ++i) size += has_body(bodies, i) ? 0 : args[i].size();
  bytes_.reserve(size);
  for (std::size_t i = 0; i < args.size(); ++i) {
    sizes_.push_back(static_cast<std::uint32_t>(args[i].size()));
    if (!has_body(bodies, i)) bytes_.append(args[i]);
  }
  bodies_.reserve(bodies.size());
  for (ExtentRef& body : bodies) bodies_.push_back(std::move(body));
}

Bytes Transaction::Request::size(std::span<const std::string_view> args, std::span<const ExtentRef> bodies) {
  std::size_t size = sizeof(Request) + kAround + args.size() * sizeof(std::uint32_t) + bodies.size_bytes();
  for (std::size_t i = 0; i < args.size(); ++i) size += has_body(bodies, i) ? 0 : args[i].size();
  return Bytes(size);
}

void Transaction::Request::arguments(std::vector<std::string_view>& args) const {
  args.clear();
  std::size_t at = 0;
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    if (has_body(bodies_, i)) {
      args.push_back(bodies_[i]->view());
      continue;
    }
    args.push_back(std::string_view(bytes_).substr(at, sizes_[i]));
    at += sizes_[i];
  }
}

void Transaction::add(std::span<const std::string_view> args, std::span<ExtentRef> bodies) {
  bodies_ += static_cast<std::size_t>(std::count_if(
      bodies.begin(), bodies.end(), [](const ExtentRef& body) { return static_cast<bool>(body); }));
  requests_.emplace_back(args, bodies);
}

}  // namespace plimsoll
