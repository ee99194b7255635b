// Arguments: what stands after a verb on the command line, read by a table of flags.
//
// Why no library: the settings' table already has every flag's name, value and help; CLI11 would be told all
// of it again, its errors would be replaced for the suggestion in them, and it takes 6 s to compile.
//
//   "--line 64MiB", "--line=64MiB", "--json", "-h"; a flag that is a switch takes a value only behind a '='.
//
// Thread-safety: values. Cost: some short strings. Limits: none. Errors: a text for a person that names what
// is wrong and, for a flag that is not there, the nearest one. Ownership: copies what it keeps.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace plimsoll {

struct Flag {
  std::string name;   // with its dashes
  std::string value;  // what stands for it in the help; empty: a switch
  std::string help;
};

class Arguments {
 public:
  // `positional`: how many words may stand beside the flags. --help and -h are always known.
  static tl::expected<Arguments, std::string> parse(std::span<const char* const> words,
                                                    std::span<const Flag> flags, std::size_t positional);

  struct Given {
    std::string name;
    std::optional<std::string> value;  // none for a switch without one
  };
  // Flags in the order in which they were given.
  const std::vector<Given>& given() const { return given_; }
  const std::vector<std::string>& positional() const { return positional_; }
  bool has(std::string_view flag) const;
  // The last one given; nothing when it was not.
  std::optional<std::string> value(std::string_view flag) const;
  bool help() const { return has("--help"); }

 private:
  std::vector<Given> given_;
  std::vector<std::string> positional_;
};

}  // namespace plimsoll
