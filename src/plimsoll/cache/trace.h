// TraceReader: requests of a recorded cache, from CSV as it is or compressed with zstd.
//
// The first line names the columns: `key` (an unsigned 64-bit decimal) is needed, `size` (bytes; one without
// it) is read, others (ttl_s, time_s) are passed over. One row is one read-through request. Compression is
// seen by its first four bytes, whatever the file is called; frames may have a window of 128 MiB.
//
//   TraceReader reader([&](std::span<char> to) { return file.read(to); });
//   for (TraceRequest r; *reader.next(r);) ...
//
// Invariant: every row is given once, or its line is the error's. Thread-safety: one thread. Cost: about 50
// ns a row and one of unfolding; 128 KiB, and the frame's window. Limits: lines to 4 KiB. Errors: kInvalid
// (what is wrong in line()), what the source says. Ownership: keeps the function.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/result.h"

namespace plimsoll {

struct TraceRequest {
  std::uint64_t key = 0;
  std::uint64_t size = 1;
  bool operator==(const TraceRequest&) const = default;
};

class TraceReader {
 public:
  // Fills the front of what it is given, and says how much; zero is the end.
  using Source = std::function<Result<std::size_t>(std::span<char> to)>;

  explicit TraceReader(Source source);
  ~TraceReader();

  // False at the end. After an error, nothing more is read.
  Result<bool> next(TraceRequest& request);
  // Of the last row or of the error; the header is line 1.
  std::uint64_t line() const { return line_; }

 private:
  class Unfolder;
  static constexpr std::size_t kLongestLine = 4096;

  Result<bool> next_line(std::string_view& line);
  Result<std::size_t> fill();  // more bytes of text; zero is the end
  Result<void> read_header();

  Source source_;
  std::unique_ptr<Unfolder> unfolder_;  // of a compressed one
  std::vector<char> text_;              // lines that were not read yet are from begin_ to end_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t line_ = 0;
  std::size_t key_column_ = 0;
  std::size_t size_column_ = ~std::size_t{0};
  bool started_ = false;
};

// A trace in memory, with what a capacity in per cent is of.
struct Trace {
  std::vector<TraceRequest> requests;
  std::uint64_t unique_keys = 0;
  std::uint64_t unique_bytes = 0;  // of each key's first size
};

Result<Trace> read_trace(TraceReader& reader);

}  // namespace plimsoll
