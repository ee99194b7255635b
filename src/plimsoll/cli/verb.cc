#include "plimsoll/cli/verb.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plimsoll/base/text.h"

namespace plimsoll {

void Call::complain(std::string_view text) const {
  while (!text.empty()) {
    std::string line = "plimsoll: " + std::string(take_until(text, '\n')) + "\n";
    std::fwrite(line.data(), 1, line.size(), err);
  }
}

std::string_view Call::variable(std::string_view name) const {
  for (const char* const* entry = environment; *entry != nullptr; ++entry) {
    std::string_view value = *entry;
    if (take_until(value, '=') == name) return value;
  }
  return {};
}

bool Call::coloured() const {
  return variable("NO_COLOR").empty() && variable("TERM") != "dumb" && isatty(fileno(out)) == 1;
}

std::size_t Call::columns() const {
  winsize found{};
  const bool known = isatty(fileno(out)) == 1 && ::ioctl(fileno(out), TIOCGWINSZ, &found) == 0;
  return known ? found.ws_col : 0;
}

std::string Call::painted(std::string_view text, Paint paint) const {
  static constexpr std::array<std::string_view, 4> kCodes = {"\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
  if (!coloured()) return std::string(text);
  return std::string(kCodes[static_cast<std::size_t>(paint)]) + std::string(text) + "\x1b[0m";
}

std::vector<Verb> verbs() {
  return {serve_verb(),      status_verb(), top_verb(),     pools_verb(),  cache_verb(),
          topic_verb(),      config_verb(), sim_verb(),     doctor_verb(), demo_verb(),
          completion_verb(), man_verb(),    version_verb(), help_verb()};
}

const Verb* find_verb(const std::vector<Verb>& table, std::string_view name) {
  auto found =
      std::find_if(table.begin(), table.end(), [name](const Verb& known) { return known.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string no_such_verb(std::string_view name) {
  const std::vector<Verb> table = verbs();
  std::vector<std::string_view> names;
  for (const Verb& known : table) names.push_back(known.name);
  const std::string_view near = nearest(name, names);
  return "there is no verb " + std::string(name) +
         (near.empty() ? "; plimsoll help lists them" : "; did you mean " + std::string(near) + "?");
}

std::vector<Exit> exits_of(const Verb& verb) {
  std::vector<Exit> exits = {{kDone, "done"},
                             {kFailed, "it could not be done; standard error says why"},
                             {kWrongUsage, "the command line is wrong"}};
  for (const Exit& own : verb.exits) {
    auto same =
        std::find_if(exits.begin(), exits.end(), [&own](const Exit& e) { return e.code == own.code; });
    if (same == exits.end())
      exits.push_back(own);
    else
      *same = own;
  }
  return exits;
}

std::string usage_of(const Verb& verb) {
  std::string usage(verb.name);
  if (!verb.positional.empty()) usage += " " + std::string(verb.positional);
  if (!verb.flags.empty()) usage += " [FLAGS]";
  return usage;
}

namespace {

// A full disk or a closed pipe is only seen when what was buffered is written, some of it on the way.
int with_output_written(const Call& call, int code) {
  errno = 0;
  if (std::fflush(call.out) == 0 && std::ferror(call.out) == 0) return code;
  const int reason = call.print_errno != 0 ? call.print_errno : errno;
  // Who closed the pipe knows it.
  if (reason != EPIPE)
    call.complain(
        Error{.code = ErrorCode::kSystem, .errno_value = reason, .what = "the output cannot be written"}
            .message());
  return code == kDone ? kFailed : code;
}

}  // namespace

int run_command_line(std::span<const char* const> words, const char* const* environment, std::FILE* out,
                     std::FILE* err) {
  Call bare{Arguments(), environment, out, err};
  if (words.empty()) {
    std::string text = help_text();
    std::fwrite(text.data(), 1, text.size(), err);
    return kWrongUsage;
  }
  std::string_view name = words[0];
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version" || name == "-V") name = "version";
  const std::vector<Verb> table = verbs();
  const Verb* verb = find_verb(table, name);
  if (verb == nullptr) {
    bare.complain(no_such_verb(name));
    return kWrongUsage;
  }
  auto arguments =
      Arguments::parse(words.subspan(1), verb->flags, verb->positional.empty() ? 0 : verb->words);
  if (!arguments) {
    bare.complain(std::string(verb->name) + ": " + arguments.error());
    bare.complain("plimsoll " + std::string(verb->name) + " --help lists its flags");
    return kWrongUsage;
  }
  Call call{*arguments, environment, out, err};
  if (arguments->help()) {
    call.print(help_text(*verb, call.columns()));
    return with_output_written(call, kDone);
  }
  return with_output_written(call, verb->run(call));
}

}  // namespace plimsoll
