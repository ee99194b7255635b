// kafka_in_cgroup LIMIT PROGRAM ARGS: runs a program in a memory cgroup of its own, and tells how often the
// kernel killed in it.
//
// Prints `cgroup: DIRECTORY` and `pid: N`, and when the program has ended `peak: BYTES`, `oom_kills: N` and
// `status: N`. SIGTERM goes on to the program. Exit: 77 where no cgroup can be made, else 0 if the program
// ended well.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "plimsoll/base/text.h"
#include "plimsoll/os/scratch_cgroup.h"

namespace plimsoll {
namespace {

constexpr int kSkipped = 77;

volatile pid_t program = 0;

void pass_on(int number) {
  if (program > 0) ::kill(program, number);
}

[[noreturn]] void become(const ScratchCgroup& group, char** words) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!group.join(0)) ::_exit(126);
  ::execvp(words[0], words);
  ::_exit(127);
}

int run(Bytes limit, char** words) {
  auto group =
      ScratchCgroup::create({.name = "plimsoll-kafka-" + std::to_string(::getpid()), .limit = limit});
  if (!group) {
    std::printf("skipped: %s\n", group.error().message().c_str());
    return kSkipped;
  }
  std::signal(SIGTERM, pass_on);
  std::printf("cgroup: %s\n", group->directory().c_str());
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) become(*group, words);
  program = child;
  std::printf("pid: %d\n", static_cast<int>(child));
  std::fflush(stdout);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  if (auto peak = group->peak()) std::printf("peak: %llu\n", static_cast<unsigned long long>(peak->count()));
  auto kills = group->oom_kills();
  std::printf("oom_kills: %lld\nstatus: %d\n", kills ? static_cast<long long>(*kills) : -1, status);
  return status == 0 ? 0 : 1;
}

}  // namespace
}  // namespace plimsoll

int main(int count, char** words) {
  auto limit = count > 2 ? plimsoll::parse_bytes(words[1]) : plimsoll::parse_bytes("");
  if (!limit) {
    std::printf("kafka_in_cgroup LIMIT PROGRAM ARGS\n");
    return 2;
  }
  return plimsoll::run(*limit, words + 2);
}
