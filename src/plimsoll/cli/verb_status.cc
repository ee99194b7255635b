#include "plimsoll/cli/http_client.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kPatience{5};

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
  if (!page->body.ends_with('\n')) page->body += '\n';
  call.print(page->body);
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
