#include "plimsoll/cli/serve_settings.h"
#include "plimsoll/server/server.h"

namespace plimsoll {
namespace {

int run_serve(const Call& call) {
  Configuration configuration;
  if (std::string faults = load_settings(call, configuration); !faults.empty()) {
    call.complain(faults);
    return kWrongUsage;
  }
  if (std::string warning = warning_of_rights(settings_file(call), configuration); !warning.empty())
    call.complain(warning);
  return run_server(configuration.settings());
}

}  // namespace

Verb serve_verb() {
  return {
      .name = "serve",
      .summary =
          "Run the server: RESP for Redis clients, a log for Kafka's clients, HTTP for metrics and status",
      .example =
          "  plimsoll serve                      # all the memory there is, found by itself\n"
          "  plimsoll serve --data-dir data      # with a log for Kafka's clients, kept there\n"
          "  plimsoll serve --line 512MiB        # no more than that\n"
          "  PLIMSOLL_PASSWORD=... plimsoll serve --bind 0.0.0.0\n\n"
          "Flags win over the environment (PLIMSOLL_LINE), that over the file (line = \"512MiB\").",
      .flags = setting_flags(),
      .positional = {},
      .run = &run_serve,
      .exits = {{kDone, "ended by SIGTERM or SIGINT, after it answered what it had been asked"},
                {kFailed, "it could not start: an address is taken, the memory or a folder cannot be used"},
                {kWrongUsage, "a setting is wrong, wherever it was said"},
                {130, "told twice to end"}}};
}

}  // namespace plimsoll
