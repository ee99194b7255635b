// Batches compressed in the ways of Kafka's clients, for the tests.
//
// Thread-safety: functions on values. Cost: a copy of the batch. Limits: none. Errors: a failed expectation
// of the test that calls.
#pragma once

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <string>

#include "plimsoll/base/crc32c.h"
#include "plimsoll/commitlog/record_batch.h"

namespace plimsoll {

inline std::string gzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string plain_snappy(const std::string& bytes) {
  std::string out;
  snappy::Compress(bytes.data(), bytes.size(), &out);
  return out;
}

// As Java's stream writes it: blocks of 32 KiB behind their lengths.
inline std::string framed_snappy(const std::string& bytes) {
  std::string out("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  for (std::size_t at = 0; at < bytes.size(); at += 32'768) {
    const std::string block = plain_snappy(bytes.substr(at, 32'768));
    for (int shift : {24, 16, 8, 0}) out += static_cast<char>(block.size() >> shift);
    out += block;
  }
  return out;
}

inline std::string lz4(const std::string& bytes) {
  std::string out(LZ4F_compressFrameBound(bytes.size(), nullptr), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), nullptr));
  return out;
}

inline std::string zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

struct Way {
  const char* name;
  unsigned codec;
  std::string (*compress)(const std::string&);
};
inline constexpr Way kWays[] = {{"gzip", 1, gzip},
                                {"snappy", 2, plain_snappy},
                                {"snappy in frames", 2, framed_snappy},
                                {"lz4", 3, lz4},
                                {"zstd", 4, zstd}};

inline void put(std::string& batch, std::size_t at, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    batch[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
}

// A batch with other bytes for its records, which are said to be of that codec.
inline std::string with_records(const std::string& batch, unsigned codec, const std::string& records) {
  std::string changed = batch.substr(0, BatchHeader::kSize) + records;
  put(changed, 8, changed.size() - 12, 4);
  put(changed, 21, codec, 2);
  put(changed, 17, crc32c(0, changed.data() + 21, changed.size() - 21), 4);
  return changed;
}

inline std::string compressed(const Way& way, const std::string& batch) {
  return with_records(batch, way.codec, way.compress(batch.substr(BatchHeader::kSize)));
}

}  // namespace plimsoll
