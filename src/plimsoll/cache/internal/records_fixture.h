// What tests of queues and policies stand on: records in a store, without a cache around them.
#pragma once

#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "plimsoll/base/hash.h"
#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/internal/item.h"
#include "plimsoll/cache/internal/segment_store.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

struct RecordsFixture {
  static constexpr std::size_t kPlace = 64;  // bytes for each record: keys to 40
  static constexpr std::uint64_t kNoWeight = ~std::uint64_t{0};

  // A live record in a place of its own, in no queue yet; with a weight instead of a value, or an empty
  // value.
  Locator make(std::string_view key, std::uint64_t weight = kNoWeight) {
    const Locator at = take_place();
    auto* record = new (items.at(at)) Item{};
    record->bits = Item::kLive;
    record->key_size = static_cast<std::uint16_t>(key.size());
    std::memcpy(record->key_begin(), key.data(), key.size());
    if (weight == kNoWeight) return at;
    record->value_size = Item::kWeighed;
    record->set_weight(weight);
    return at;
  }
  Locator copy(Locator from) {
    const Locator to = take_place();
    std::memcpy(items.at(to), items.at(from), kPlace);
    return to;
  }
  // For who would read it still.
  void forget(Locator at) {
    std::memset(items.at(at), 0xa5, kPlace);
    places.push_back(at);
  }
  Item& at(Locator item) const { return *reinterpret_cast<Item*>(items.at(item)); }
  std::uint64_t hash_of(Locator item) const { return hash64(at(item).key()); }

  Locator take_place() {
    if (places.empty()) {
      const std::optional<std::uint32_t> block = items.take();
      PLIMSOLL_CHECK(block.has_value(), "no memory for records");
      for (std::size_t offset = 0; offset < items.block_size(); offset += kPlace)
        places.push_back(items.locator_of(items.begin_of(*block) + offset));
    }
    const Locator place = places.back();
    places.pop_back();
    return place;
  }

  SystemPages pages;
  LoadLine line{{.limit = 512_MiB}};
  Account& account = line.open({.name = "records", .kind = AccountKind::kPinned, .guarantee = {}});
  SegmentStore items{{.pages = pages, .account = account, .block = 64_KiB, .address_space = 512_MiB}};
  std::vector<Locator> places;
};

}  // namespace plimsoll
