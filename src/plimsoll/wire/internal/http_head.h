// What the heads of HTTP requests and responses have in common: where they end, their lines, their fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "plimsoll/wire/http.h"

namespace plimsoll::detail {

// Takes a line, which ends with a newline and maybe a carriage return in front of it, off a head.
std::string_view take_http_line(std::string_view& head);

// Reads the field lines of a head up to its empty line: 0, or the status to refuse it with.
int read_http_fields(std::string_view lines, HttpFields& fields);

// The value of Content-Length; `malformed` is set when it is not a number or there are several that differ.
std::optional<std::uint64_t> content_length(const HttpFields& fields, bool& malformed);

bool is_http_token(std::string_view text);
// "HTTP/1.1" gives 11; negative when malformed.
int read_http_version(std::string_view text);
// Whether the connection lives on after a message of this version with these fields.
bool http_keeps_alive(int version, const HttpFields& fields);

}  // namespace plimsoll::detail
