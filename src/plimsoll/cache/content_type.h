// content_type_of(): what a value looks like, by its bytes alone.
//
// Why: whoever looks at one entry, or asks what a cache is filled with, wants a word and not bytes; nothing
// is stored for it. By first bytes as file(1) knows them, and by how text reads.
//
// Thread-safety: a function. Cost: looks at most at the first 512 bytes and the last. Limits: it guesses:
// text that happens to begin and end in braces is json. Errors: none. Ownership: static text.
#pragma once

#include <string_view>

namespace plimsoll {

// empty, integer, json, text, compressed (gzip, zip, zstd, lz4, bzip2, xz), image (PNG, JPEG, GIF, WebP),
// binary.
std::string_view content_type_of(std::string_view value);

}  // namespace plimsoll
