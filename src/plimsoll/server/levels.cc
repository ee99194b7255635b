#include "plimsoll/server/levels.h"

#include <algorithm>

#include "plimsoll/cache/level_module.h"
#include "plimsoll/cache/stacked_level.h"
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

struct Part {
  std::unique_ptr<CacheLevel> level;
  Bytes around;  // of memory that it holds
};
using OpenedPart = tl::expected<Part, std::string>;

// RocksDB holds about 2.2 times what it is told to: its blocks' own keeping, and what compactions work with.
OpenedPart open_disk(const LowerLevelSources& from) {
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
  return Part{std::move(*level), (blocks + buffers) * 11 / 5};
}

OpenedPart open_remote(const LowerLevelSources& from, std::chrono::milliseconds call_time) {
  const std::optional<RemoteAddress> address = RemoteAddress::parse(from.settings.remote_level);
  if (!address) return tl::unexpected<std::string>("remote_level: not an address");
  return Part{std::make_unique<RemoteLevel>(*address, call_time), 1_MiB};
}

LowerLevel::Options options_for(const LowerLevelSources& from, const char* account, const char* name,
                                Part part, Bytes size) {
  return {.name = name,
          .level = std::move(part.level),
          .account = from.line.open({.name = account, .kind = AccountKind::kPinned, .guarantee = {}}),
          .clock = from.clock,
          .size = size,
          .queue = queue_of(from.line.line()),
          .around = part.around};
}

Opened open_both(const LowerLevelSources& from) {
  // Who waits for the disk may stand behind a call to the other machine, and waits level_wait at most.
  const auto patience =
      std::clamp(from.settings.level_wait / 2, std::chrono::milliseconds(10), std::chrono::milliseconds(500));
  OpenedPart disk = open_disk(from);
  if (!disk) return tl::unexpected(std::move(disk.error()));
  OpenedPart remote = open_remote(from, patience);
  if (!remote) return tl::unexpected(std::move(remote.error()));
  const Bytes size = from.settings.disk_level_size;
  Part both{std::make_unique<StackedLevel>(StackedLevel::Options{.near = std::move(disk->level),
                                                                 .far = std::move(remote->level),
                                                                 .clock = from.clock,
                                                                 .near_size = size,
                                                                 .patience = patience}),
            disk->around + remote->around + 4_MiB};
  // The disk is half full at least when anything lies farther, so that no more lies there than may.
  LowerLevel::Options options = options_for(from, "disk_level", "disk+remote", std::move(both),
                                            size / 2 + from.settings.remote_level_size);
  options.generation = std::min(options.size / LowerLevel::kGenerations, size / 4);
  return opened(from, std::move(options));
}

}  // namespace

Opened open_lower_level(const LowerLevelSources& from) {
  const bool disk = !from.settings.disk_level.empty();
  const bool remote = !from.settings.remote_level.empty();
  if (disk && remote) return open_both(from);
  if (!disk && !remote) return nullptr;
  OpenedPart part = disk ? open_disk(from) : open_remote(from, std::chrono::milliseconds(500));
  if (!part) return tl::unexpected(std::move(part.error()));
  if (disk)
    return opened(from,
                  options_for(from, "disk_level", "disk", std::move(*part), from.settings.disk_level_size));
  LowerLevel::Options options =
      options_for(from, "remote_level", "remote", std::move(*part), from.settings.remote_level_size);
  options.retry = std::chrono::seconds(1);
  return opened(from, std::move(options));
}

}  // namespace plimsoll
