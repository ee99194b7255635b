#include "plimsoll/cli/doctor.h"
#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

int run_doctor(const Call& call) {
  Diagnosis diagnosis = examine();
  call.print(call.arguments.has("--json") ? json_of(diagnosis) + "\n" : text_of(diagnosis));
  return diagnosis.limit.zero() ? kFailed : kDone;
}

}  // namespace

Verb doctor_verb() {
  return {.name = "doctor",
          .summary = "What this machine lets Plimsoll do, and what could be better",
          .example = "  plimsoll doctor\n  plimsoll doctor --json",
          .flags = {{"--json", "", "as one JSON object"}},
          .positional = {},
          .run = &run_doctor,
          .exits = {{kFailed, "no limit of memory could be found, so serve would not start"}}};
}

}  // namespace plimsoll
