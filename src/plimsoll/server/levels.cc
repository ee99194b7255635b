#include "plimsoll/server/levels.h"

#include <algorithm>

#include "plimsoll/cache/level_module.h"
#include "plimsoll/server/remote_level.h"

namespace plimsoll {
namespace {

using Opened = tl::expected<std::unique_ptr<LowerLevel>, std::string>;

constexpr Bytes kSmallestLine = 256_MiB;

Opened opened(const LowerLevelSources& from, LowerLevel::Options options) {
  Result<std::unique_ptr<LowerLevel>> lower = LowerLevel::open(from.cache, std::move(options));
  if (!lower) return tl::unexpected<std::string>(lower.error().message());
  return std::move(*lower);
}

Bytes queue_of(Bytes line) { return std::clamp(line / 64, 1_MiB, 64_MiB); }

// RocksDB holds about 2.2 times what it is told to: its blocks' own keeping, and what compactions work with.
Opened open_disk(const LowerLevelSources& from) {
  const Bytes line = from.line.line();
  if (from.line.limit() < kSmallestLine) {  // as a person gives it, the reserve within
    return tl::unexpected<std::string>(
        "disk_level needs a line of 256MiB at least: RocksDB itself holds more than a tenth of a smaller "
        "one, "
        "which is better used for values");
  }
  const Bytes blocks = std::clamp(line / 64, 4_MiB, 256_MiB);
  const Bytes buffers = std::clamp(line / 64, 4_MiB, 128_MiB);
  auto level = open_level_module("plimsoll_rocksdb", {.version = kLevelModuleVersion,
                                                      .directory = from.settings.disk_level.c_str(),
                                                      .size = from.settings.disk_level_size.count(),
                                                      .block_cache = blocks.count(),
                                                      .write_buffers = buffers.count()});
  if (!level) return tl::unexpected("disk_level: " + from.settings.disk_level + ": " + level.error());
  Account& account = from.line.open({.name = "disk_level", .kind = AccountKind::kPinned, .guarantee = {}});
  return opened(from, {.name = "disk",
                       .level = std::move(*level),
                       .account = account,
                       .clock = from.clock,
                       .size = from.settings.disk_level_size,
                       .queue = queue_of(line),
                       .around = (blocks + buffers) * 11 / 5});
}

}  // namespace

Opened open_lower_level(const LowerLevelSources& from) {
  if (!from.settings.disk_level.empty()) return open_disk(from);
  if (from.settings.remote_level.empty()) return nullptr;
  const std::optional<RemoteAddress> address = RemoteAddress::parse(from.settings.remote_level);
  if (!address) return tl::unexpected<std::string>("remote_level: not an address");
  Account& account = from.line.open({.name = "remote_level", .kind = AccountKind::kPinned, .guarantee = {}});
  return opened(from, {.name = "remote",
                       .level = std::make_unique<RemoteLevel>(*address),
                       .account = account,
                       .clock = from.clock,
                       .size = from.settings.remote_level_size,
                       .queue = queue_of(from.line.line()),
                       .around = 1_MiB,
                       .retry = std::chrono::seconds(1)});
}

}  // namespace plimsoll
