// CLIENT: what the server knows of its connections.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/server/internal/arguments.h"
#include "plimsoll/server/internal/client_text.h"
#include "plimsoll/server/internal/handlers.h"
#include "plimsoll/wire/redis_number.h"

namespace plimsoll {
namespace {

constexpr std::string_view kLineIds = "id=";

std::string_view id_of(std::string_view line) {
  if (!line.starts_with(kLineIds)) return {};
  line.remove_prefix(kLineIds.size());
  return line.substr(0, line.find(' '));
}

// One text of all lines. It is not put together first: a client may ask for the same line often.
void reply_lines(Reply& reply, const std::vector<std::string_view>& lines) {
  std::size_t size = 0;
  for (std::string_view line : lines) size += line.size() + 1;
  reply.verbatim_header(size);
  for (std::string_view line : lines) {
    reply.raw(line);
    reply.raw("\n");
  }
  reply.raw("\r\n");
}

std::vector<std::string_view> all_of(const std::vector<std::string>& lines) {
  return {lines.begin(), lines.end()};
}

// Those whose ids are args[3...], in that order; nothing when one is no number, and then an error is replied.
std::optional<std::vector<std::string_view>> with_ids(CommandContext& context,
                                                      const std::vector<std::string>& lines) {
  std::map<std::string_view, std::string_view> line_of;
  for (std::string_view line : lines) line_of.emplace(id_of(line), line);
  std::vector<std::string_view> found;
  for (std::string_view id : context.args.subspan(3)) {
    if (!parse_redis_int64(id)) {
      context.reply.error("ERR Invalid client ID");
      return std::nullopt;
    }
    if (auto line = line_of.find(id); line != line_of.end()) found.push_back(line->second);
  }
  return found;
}

}  // namespace

bool set_client_text(CommandContext& context, std::string& to, std::string_view text, std::string_view what) {
  const auto is_plain = [](char c) { return c >= '!' && c <= '~'; };
  if (!std::all_of(text.begin(), text.end(), is_plain)) {
    refuse_argument(context, "ERR ", what, " cannot contain spaces, newlines or special characters.");
    return false;
  }
  if (text.size() > kMaxClientText) {
    refuse_argument(context, "ERR ", what, " cannot be longer than 1024 bytes.");
    return false;
  }
  to = text;
  return true;
}

Progress client_setname_command(CommandContext& context) {
  if (set_client_text(context, context.session.name, context.args[2], kClientNames)) context.reply.ok();
  return Progress::kDone;
}

Progress client_getname_command(CommandContext& context) {
  if (context.session.name.empty()) {
    context.reply.null();
  } else {
    context.reply.bulk(context.session.name);
  }
  return Progress::kDone;
}

Progress client_id_command(CommandContext& context) {
  context.reply.integer(static_cast<std::int64_t>(context.session.id));
  return Progress::kDone;
}

// Of Redis 7.2, but libraries send it to any server.
Progress client_setinfo_command(CommandContext& context) {
  Session& session = context.session;
  const std::string_view option = c_string(context.args[2]);
  const bool is_name = is_word(option, "lib-name");
  if (!is_name && !is_word(option, "lib-ver")) {
    return refuse_argument(context, "ERR Unrecognized option '", option, "'");
  }
  std::string& text = is_name ? session.library_name : session.library_version;
  if (set_client_text(context, text, context.args[3], option)) context.reply.ok();
  return Progress::kDone;
}

Progress client_info_command(CommandContext& context) {
  const std::vector<std::string> lines = context.server.client_lines();
  const std::string id = std::to_string(context.session.id);
  std::vector<std::string_view> own = all_of(lines);
  std::erase_if(own, [&](std::string_view line) { return id_of(line) != id; });
  reply_lines(context.reply, own);
  return Progress::kDone;
}

Progress client_list_command(CommandContext& context) {
  const std::span<const std::string_view> args = context.args;
  const std::vector<std::string> lines = context.server.client_lines();
  if (args.size() == 4 && is_word(args[2], "type")) {
    const std::optional<bool> normal = client_type_is_normal(context, args[3]);
    if (normal) reply_lines(context.reply, *normal ? all_of(lines) : std::vector<std::string_view>());
  } else if (args.size() > 3 && is_word(args[2], "id")) {
    const std::optional<std::vector<std::string_view>> found = with_ids(context, lines);
    if (found) reply_lines(context.reply, *found);
  } else if (args.size() == 2) {
    reply_lines(context.reply, all_of(lines));
  } else {
    context.reply.error(kSyntaxError);
  }
  return Progress::kDone;
}

}  // namespace plimsoll
