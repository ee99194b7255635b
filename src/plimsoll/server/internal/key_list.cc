#include "plimsoll/server/internal/key_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "plimsoll/server/databases.h"
#include "plimsoll/wire/glob.h"
#include "plimsoll/wire/resp_writer.h"

namespace plimsoll {

// Redis answers "*" before it comes to its matcher, which would not match the empty key.
bool KeyBatch::takes(std::string_view key) const {
  return any_ && (pattern_ == "*" || glob_matches(pattern_, key));
}

std::uint64_t KeyBatch::add(ByteCache& cache, std::uint64_t cursor, std::size_t count, std::int64_t now_ms) {
  StringSink sink(bytes_);
  RespWriter writer(sink);
  return cache.scan(cursor, std::min(count, kStep), now_ms, [&](std::string_view stored) {
    const Databases::Place at = Databases::split(stored);
    if (at.place != place_) {
      ++others_;
      return;
    }
    ++visited_;
    if (takes(at.key)) {
      ++matched_;
      writer.bulk(at.key);
    }
  });
}

// Address space comes in powers of two: a list that outgrows its own moves to the next.
bool KeyList::make_longer(std::size_t size) {
  if (pages_ && size <= pages_->capacity()) return cache_.reserve(*pages_, size);
  if (size > ExtentStore::kLargest) return false;
  Result<ExtentRef> longer = cache_.open_extent(std::max(size, 4 * KeyBatch::kFull), account_);
  if (!longer || !cache_.reserve(**longer, size)) return false;
  if (pages_) std::memcpy((*longer)->data(), pages_->data(), pages_->size());
  pages_ = std::move(*longer);
  return true;
}

bool KeyList::append(std::string_view bytes) {
  const std::size_t before = pages_ ? pages_->size() : 0;
  if (!make_longer(before + bytes.size())) return false;
  if (!bytes.empty()) std::memcpy(pages_->data() + before, bytes.data(), bytes.size());
  pages_->set_size(before + bytes.size());
  return true;
}

}  // namespace plimsoll
