// COMMAND: the table, as clients ask for it.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/base/text.h"
#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/glob.h"

namespace plimsoll {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) words.push_back(take_until(text, ' '));
  return words;
}

void reply_words(Reply& reply, std::string_view text, std::string_view before = "") {
  const std::vector<std::string_view> words = words_of(text);
  reply.set(words.size());
  for (std::string_view word : words) reply.simple(std::string(before).append(word));
}

// Calls visit(row) for the commands, and not for their subcommands.
template <typename Visit>
void for_each_command(Visit visit) {
  for (std::span<const Command> rows = command_table(); !rows.empty();
       rows = rows.subspan(1 + rows.front().subcommands)) {
    visit(rows.front());
  }
}

std::size_t command_count() {
  std::size_t count = 0;
  for_each_command([&](const Command&) { ++count; });
  return count;
}

void reply_name_and(Reply& reply, std::string_view name, std::int64_t number) {
  reply.bulk(name);
  reply.integer(number);
}

// What is done to a key: rows say it of all their keys, or of each with a semicolon between them.
std::string_view flags_of_key(const Command& row, std::size_t number) {
  std::string_view rest = row.key_flags;
  std::string_view flags = take_until(rest, ';');
  while (number-- > 0 && !rest.empty()) flags = take_until(rest, ';');
  return flags;
}

// Where keys are: from an index on, to an index counted from there or from the end.
void reply_key_spec(Reply& reply, std::string_view flags, int first, int last, int step) {
  reply.map(3);
  reply.bulk("flags");
  reply_words(reply, flags);
  reply.bulk("begin_search");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("index");
  reply.bulk("spec");
  reply.map(1);
  reply_name_and(reply, "index", first);
  reply.bulk("find_keys");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("range");
  reply.bulk("spec");
  reply.map(3);
  reply_name_and(reply, "lastkey", last < 0 ? last : last - first);
  reply_name_and(reply, "keystep", step);
  reply_name_and(reply, "limit", 0);
}

void reply_key_specs(Reply& reply, const Command& row) {
  if (row.first_key == 0) return reply.set(0);
  if (row.key_flags.find(';') == std::string_view::npos) {
    reply.set(1);
    return reply_key_spec(reply, row.key_flags, row.first_key, row.last_key, row.key_step);
  }
  reply.set(static_cast<std::size_t>(row.last_key - row.first_key + 1));
  for (int at = row.first_key; at <= row.last_key; ++at) {
    reply_key_spec(reply, flags_of_key(row, static_cast<std::size_t>(at - row.first_key)), at, at, 1);
  }
}

void reply_info(Reply& reply, const Command& row) {
  reply.array(10);
  reply.bulk(row.name);
  reply.integer(row.arity);
  reply_words(reply, row.flags);
  reply.integer(row.first_key);
  reply.integer(row.last_key);
  reply.integer(row.key_step);
  reply_words(reply, row.categories, "@");
  const std::vector<std::string_view> tips = words_of(row.tips);
  reply.set(tips.size());
  for (std::string_view tip : tips) reply.bulk(tip);
  reply_key_specs(reply, row);
  if (row.subcommands == 0) return reply.set(0);
  reply.array(row.subcommands);
  for (const Command& child : row.children()) reply_info(reply, child);
}

void reply_docs(Reply& reply, const Command& row) {
  reply.bulk(row.name);
  reply.map(row.subcommands == 0 ? 3 : 4);
  reply.bulk("summary");
  reply.bulk(row.summary);
  reply.bulk("since");
  reply.bulk(row.since);
  reply.bulk("group");
  reply.bulk(row.group);
  if (row.subcommands == 0) return;
  reply.bulk("subcommands");
  reply.map(row.subcommands);
  for (const Command& child : row.children()) reply_docs(reply, child);
}

Progress reply_all_info(CommandContext& context) {
  context.reply.array(command_count());
  for_each_command([&](const Command& row) { reply_info(context.reply, row); });
  return Progress::kDone;
}

bool has_word(std::string_view text, std::string_view word) {
  const std::vector<std::string_view> words = words_of(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return equals_ignoring_case(w, word); });
}

// The command whose keys are asked for by args[2...], or null when it has none there, and then an error is
// replied.
const Command* command_with_keys(CommandContext& context) {
  const std::span<const std::string_view> args = context.args.subspan(2);
  const Command* row = requested_command(args);
  const auto count = static_cast<int>(args.size());
  if (row == nullptr) {
    context.reply.error("ERR Invalid command specified");
  } else if (row->first_key == 0) {
    context.reply.error("ERR The command has no key arguments");
  } else if (row->arity > 0 ? row->arity != count : count < -row->arity) {
    context.reply.error("ERR Invalid number of arguments specified for command");
  } else {
    return row;
  }
  return nullptr;
}

std::vector<std::string_view> keys_of(const Command& row, std::span<const std::string_view> args) {
  std::vector<std::string_view> keys;
  const int count = static_cast<int>(args.size());
  const int last = row.last_key < 0 ? count + row.last_key : row.last_key;
  for (int i = row.first_key; i <= last; i += row.key_step) keys.push_back(args[static_cast<std::size_t>(i)]);
  return keys;
}

}  // namespace

Progress command_command(CommandContext& context) { return reply_all_info(context); }

Progress command_count_command(CommandContext& context) {
  context.reply.integer(static_cast<std::int64_t>(command_count()));
  return Progress::kDone;
}

Progress command_info_command(CommandContext& context) {
  if (context.args.size() == 2) return reply_all_info(context);
  context.reply.array(context.args.size() - 2);
  for (std::string_view name : context.args.subspan(2)) {
    if (const Command* row = find_command(name)) {
      reply_info(context.reply, *row);
    } else {
      context.reply.null();
    }
  }
  return Progress::kDone;
}

Progress command_docs_command(CommandContext& context) {
  if (context.args.size() == 2) {
    context.reply.map(command_count());
    for_each_command([&](const Command& row) { reply_docs(context.reply, row); });
    return Progress::kDone;
  }
  std::vector<const Command*> rows;
  for (std::string_view name : context.args.subspan(2)) {
    if (const Command* row = find_command(name)) rows.push_back(row);
  }
  context.reply.map(rows.size());
  for (const Command* row : rows) reply_docs(context.reply, *row);
  return Progress::kDone;
}

Progress command_list_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  std::vector<std::string_view> names;
  if (args.size() == 2) {
    for (const Command& row : command_table()) names.push_back(row.name);
  } else {
    if (args.size() != 5 || !is_word(args[2], "filterby")) return refuse(context, kSyntaxError);
    bool (*takes)(const Command&, std::string_view) = nullptr;
    if (is_word(args[3], "pattern")) {
      takes = [](const Command& row, std::string_view pattern) {
        return glob_matches(pattern, row.name, GlobCase::kIgnore);
      };
    } else if (is_word(args[3], "aclcat")) {
      takes = [](const Command& row, std::string_view category) {
        return has_word(row.categories, c_string(category));
      };
    } else if (is_word(args[3], "module")) {
      takes = [](const Command&, std::string_view) { return false; };
    } else {
      return refuse(context, kSyntaxError);
    }
    for (const Command& row : command_table()) {
      if (takes(row, args[4])) names.push_back(row.name);
    }
  }
  context.reply.array(names.size());
  for (std::string_view name : names) context.reply.bulk(name);
  return Progress::kDone;
}

Progress command_getkeys_command(CommandContext& context) {
  const Command* row = command_with_keys(context);
  if (row == nullptr) return Progress::kDone;
  const std::vector<std::string_view> keys = keys_of(*row, context.args.subspan(2));
  context.reply.array(keys.size());
  for (std::string_view key : keys) context.reply.bulk(key);
  return Progress::kDone;
}

Progress command_getkeysandflags_command(CommandContext& context) {
  const Command* row = command_with_keys(context);
  if (row == nullptr) return Progress::kDone;
  const std::span<const std::string_view> args = context.args.subspan(2);
  std::string_view flags = row->key_flags;
  // What SET does to its key depends on its options, as the flag variable_flags says.
  if (has_word(flags, "variable_flags")) {
    const bool gets = args.size() > 3 && std::any_of(args.begin() + 3, args.end(), [](std::string_view word) {
                        return is_word(word, "get");
                      });
    flags = gets ? "RW access update" : "OW update";
  }
  const bool each = flags.find(';') != std::string_view::npos;
  const std::vector<std::string_view> keys = keys_of(*row, args);
  context.reply.array(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    context.reply.array(2);
    context.reply.bulk(keys[i]);
    reply_words(context.reply, each ? flags_of_key(*row, i) : flags);
  }
  return Progress::kDone;
}

}  // namespace plimsoll
