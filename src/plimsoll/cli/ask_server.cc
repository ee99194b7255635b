#include "plimsoll/cli/http_client.h"
#include "plimsoll/cli/progress.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

constexpr std::chrono::seconds kPatience{5};

Result<HttpPage> fetch(const Call& call, const Endpoint& server, const char* path) {
  const Waiting waiting(call, "waiting for " + server.text());
  return http_fetch(server, path, std::chrono::steady_clock::now() + kPatience);
}

}  // namespace

int ask_server(const Call& call, const std::string& verb, const char* path, std::string& body) {
  const std::string where = call.arguments.value("--http").value_or("127.0.0.1:9644");
  Result<Endpoint> server = Endpoint::parse(where);
  if (!server) {
    call.complain(verb + ": --http " + where + ": " + server.error().message());
    return kWrongUsage;
  }
  const Result<HttpPage> page = fetch(call, *server, path);
  if (!page) {
    call.complain(verb + ": " + server->text() + ": " + page.error().message() +
                  "; is plimsoll serve running, and is that its HTTP port (--http ADDRESS:PORT)?");
    return kFailed;
  }
  if (page->status != 200) {
    call.complain(verb + ": " + server->text() + path + " answers " + std::to_string(page->status) +
                  "; is that Plimsoll's HTTP port?");
    return kFailed;
  }
  body = page->body;
  if (!body.ends_with('\n')) body += '\n';
  return kDone;
}

}  // namespace plimsoll
