#include "plimsoll/base/text.h"
#include "plimsoll/cli/http_client.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kPatience{5};

// The line that says the level, in the colour of how bad it is.
std::string with_painted_level(const Call& call, std::string_view page) {
  std::string text;
  while (!page.empty()) {
    std::string_view line = take_until(page, '\n');
    bool level = line.starts_with("level ");
    bool bad = line.find(" critical:") != std::string_view::npos ||
               line.find(" emergency:") != std::string_view::npos;
    bool well = line.find(" normal:") != std::string_view::npos;
    text += level ? call.painted(line, bad    ? Paint::kRed
                                       : well ? Paint::kGreen
                                              : Paint::kYellow)
                  : std::string(line);
    text += '\n';
  }
  return text;
}

int run_status(const Call& call) {
  std::string where = call.arguments.value("--http").value_or("127.0.0.1:9644");
  Result<Endpoint> server = Endpoint::parse(where);
  if (!server) {
    call.complain("status: --http " + where + ": " + server.error().message());
    return kWrongUsage;
  }
  const char* path = call.arguments.has("--json") ? "/api/v1/status" : "/status.txt";
  Result<HttpPage> page = http_fetch(*server, path, std::chrono::steady_clock::now() + kPatience);
  if (!page) {
    call.complain("status: " + server->text() + ": " + page.error().message() +
                  "; is plimsoll serve running, and is that its HTTP port (--http ADDRESS:PORT)?");
    return kFailed;
  }
  if (page->status != 200) {
    call.complain("status: " + server->text() + path + " answers " + std::to_string(page->status) +
                  "; is that Plimsoll's HTTP port?");
    return kFailed;
  }
  call.print(call.arguments.has("--json") ? page->body + "\n" : with_painted_level(call, page->body));
  return kDone;
}

}  // namespace

Verb status_verb() {
  return {.name = "status",
          .summary = "What a running server holds, where, and what it has decided lately",
          .example = "  plimsoll status\n  plimsoll status --json --http 127.0.0.1:9645",
          .flags = {{"--json", "", "as one JSON object"},
                    {"--http", "ADDRESS:PORT", "where its HTTP is [127.0.0.1:9644]"}},
          .positional = {},
          .run = &run_status};
}

}  // namespace plimsoll
