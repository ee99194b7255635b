// Array: the elements of an array field, wherever they come from, as a small value.
//
// A request may name ten thousand partitions, and its answer as many: neither is ever held as objects. An
// array read from the wire is a view of its bytes, and makes its elements one at a time while it is walked;
// an array to be written is a span of the caller's, or a function that makes the nth element, so that nested
// arrays need no memory either.
//
//   for (const ProduceRequest::Topic& topic : request.topics) {
//     for (const ProduceRequest::Partition& partition : topic.partitions) append(topic.name, partition);
//   }
//
//   response.brokers = Array<MetadataResponse::Broker>::of(brokers);
//   response.topics = Array<MetadataResponse::Topic>::generated(
//       count, &store, [](const void* store, std::uint64_t argument, std::size_t index) { ... return topic;
//       });
//
// Invariant: the bytes of an array from the wire hold its elements exactly: decode() walked them once.
//
// Thread-safety: values. Cost: 40 bytes; to walk an array from the wire reads its bytes again, one time more
// for every level of nesting. Limits: 2^31-1 elements. Errors: none; what cannot be read is no Array.
// Ownership: refers to the caller's bytes, span or context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "plimsoll/wire/kafka_types.h"

namespace plimsoll::kafka {

namespace detail {

// The element at the front of `bytes`, which it is taken from. Defined in kafka_reader.h.
template <class T>
T take_element(std::string_view& bytes, std::int16_t version, bool flexible);

}  // namespace detail

template <class T>
class Array {
 public:
  using value_type = T;
  using Make = T (*)(const void* context, std::uint64_t argument, std::size_t index);

  // Empty, and not null.
  constexpr Array() = default;

  static constexpr Array none() {  // null
    Array array;
    array.source_ = Source::kNull;
    return array;
  }
  static constexpr Array of(std::span<const T> elements) {
    Array array(Source::kSpan, elements.size());
    array.data_ = elements.data();
    return array;
  }
  // Element `index` is make(context, argument, index), called once for every walk: encoding counts first,
  // so that it must answer the same each time.
  static constexpr Array generated(std::size_t count, const void* context, Make make,
                                   std::uint64_t argument = 0) {
    Array array(Source::kGenerated, count);
    array.data_ = context;
    array.make_ = make;
    array.extent_ = argument;
    return array;
  }
  // REQUIRES: `bytes` are `count` elements of that version, read once before.
  static constexpr Array on_wire(std::string_view bytes, std::size_t count, std::int16_t version,
                                 bool flexible) {
    Array array(Source::kWire, count);
    array.data_ = bytes.data();
    array.extent_ = bytes.size();
    array.version_ = version;
    array.flexible_ = flexible;
    return array;
  }

  bool null() const { return source_ == Source::kNull; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  class Iterator;
  Iterator begin() const { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const T& element : *this) visit(element);
  }

 private:
  enum class Source : std::uint8_t { kNull, kSpan, kGenerated, kWire };

  constexpr Array(Source source, std::size_t count)
      : count_(static_cast<std::uint32_t>(count)), source_(source) {}

  const void* data_ = nullptr;  // elements, context or bytes
  std::uint64_t extent_ = 0;    // the argument, or how many bytes
  Make make_ = nullptr;
  std::uint32_t count_ = 0;
  std::int16_t version_ = 0;
  bool flexible_ = false;
  Source source_ = Source::kSpan;
};

// Holds the element it is at, and the array itself, which may have been a temporary.
template <class T>
class Array<T>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  explicit Iterator(const Array& array) : array_(array) {
    if (array.source_ == Source::kWire) rest_ = {static_cast<const char*>(array.data_), array.extent_};
    load();
  }

  const T& operator*() const { return element_; }
  const T* operator->() const { return &element_; }
  Iterator& operator++() {
    ++index_;
    load();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return index_ == array_.count_; }

 private:
  void load() {
    if (index_ == array_.count_) return;
    switch (array_.source_) {
      case Source::kNull:
        break;
      case Source::kSpan:
        element_ = static_cast<const T*>(array_.data_)[index_];
        break;
      case Source::kGenerated:
        element_ = array_.make_(array_.data_, array_.extent_, index_);
        break;
      case Source::kWire:
        element_ = detail::take_element<T>(rest_, array_.version_, array_.flexible_);
        break;
    }
  }

  Array array_;
  std::string_view rest_;
  std::uint32_t index_ = 0;
  T element_{};
};

}  // namespace plimsoll::kafka
