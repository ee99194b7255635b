// The texts a client may give to its connection: its name, and its library's name and version.
//
// They stand in CLIENT LIST between blanks, so they hold none. They live as long as the connection and are
// not charged, so they are short; Redis has no such limit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plimsoll/server/command.h"

namespace plimsoll {

inline constexpr std::size_t kMaxClientText = 1024;
inline constexpr std::string_view kClientNames = "Client names";

// Puts `text` into `to`; an empty one takes the old one away. False when it is not allowed, and then an error
// is replied, in which `what` is what cannot be so.
bool set_client_text(CommandContext& context, std::string& to, std::string_view text, std::string_view what);

// Whether the type that a client names in CLIENT LIST and KILL is the one that all here have; nothing when
// there is no such type, and then an error is replied.
std::optional<bool> client_type_is_normal(CommandContext& context, std::string_view type);

}  // namespace plimsoll
