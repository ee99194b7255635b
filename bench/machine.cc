// What the harness reads of the machine: CPU time of threads and processes, and what the machine is.
#include <sched.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness.h"

namespace plimsoll {

namespace {

std::string value_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::size_t colon = line.find(':');
    std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

}  // namespace

std::uint64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t threads_cpu_ns(pid_t process, const std::string& name_begins) {
  std::uint64_t total = 0;
  std::error_code ignored;  // threads come and go
  std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process) + "/task", ignored);
  for (const auto& task : tasks) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (!name.starts_with(name_begins)) continue;
    std::uint64_t on_cpu = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu;
    total += on_cpu;
  }
  return total;
}

std::uint64_t process_cpu_ns(pid_t process) { return threads_cpu_ns(process, ""); }

void pin_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

std::string machine_line() {
  utsname system{};
  ::uname(&system);
  char date[32];
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%Y-%m-%d", &parts);
  std::string machine = std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " x " +
                        value_in("/proc/cpuinfo", "model name") + ", " +
                        value_in("/proc/meminfo", "MemTotal") + ", Linux " + system.release + ", " +
#if defined(__clang__)
                        "clang " __clang_version__;
#else
                        "g++ " __VERSION__;
#endif
  return "{\"date\":" + json_quoted(date) + ",\"machine\":" + json_quoted(machine) + "}";
}

}  // namespace plimsoll
