#include "plimsoll/cli/arguments.h"

#include <algorithm>

#include "plimsoll/base/text.h"

namespace plimsoll {
namespace {

std::string unknown_flag(std::string_view name, std::span<const Flag> flags) {
  std::vector<std::string_view> names;
  for (const Flag& flag : flags) names.emplace_back(flag.name);
  std::string_view near = nearest(name, names);
  std::string text = "there is no flag " + std::string(name);
  return near.empty() ? text : text + "; did you mean " + std::string(near) + "?";
}

}  // namespace

tl::expected<Arguments, std::string> Arguments::parse(std::span<const char* const> words,
                                                      std::span<const Flag> flags, std::size_t positional) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-h" || word == "--help") {
      arguments.given_.push_back({"--help", std::nullopt});
      continue;
    }
    if (!word.starts_with('-') || word.size() < 2) {
      if (arguments.positional_.size() == positional) {
        return tl::unexpected("\"" + std::string(word) + "\" is one word too many");
      }
      arguments.positional_.emplace_back(word);
      continue;
    }
    bool has_value = word.find('=') != std::string_view::npos;
    std::string_view rest = word;
    std::string_view name = take_until(rest, '=');
    auto flag = std::find_if(flags.begin(), flags.end(), [name](const Flag& f) { return f.name == name; });
    if (flag == flags.end()) return tl::unexpected(unknown_flag(name, flags));
    if (has_value && flag->value.empty())
      return tl::unexpected(flag->name + " takes no value; it is given or left away");
    if (has_value) {
      arguments.given_.push_back({flag->name, std::string(rest)});
    } else if (flag->value.empty()) {
      arguments.given_.push_back({flag->name, std::nullopt});
    } else if (++i == words.size()) {
      return tl::unexpected(flag->name + " wants a value: " + flag->name + " " + flag->value);
    } else {
      arguments.given_.push_back({flag->name, words[i]});
    }
  }
  return arguments;
}

bool Arguments::has(std::string_view flag) const {
  return std::any_of(given_.begin(), given_.end(), [flag](const Given& given) { return given.name == flag; });
}

std::optional<std::string> Arguments::value(std::string_view flag) const {
  auto found =
      std::find_if(given_.rbegin(), given_.rend(), [flag](const Given& given) { return given.name == flag; });
  return found == given_.rend() ? std::nullopt : found->value;
}

}  // namespace plimsoll
