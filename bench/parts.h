// Parts of a room's benchmarks that are more than a loop: rows of their own, some measured in processes of
// their own.
//
// Resident memory belongs to a process, so each contender of such a row has one: the program runs itself with
// `--child NAME ARGUMENT`, and the child prints numbers.
//
//   const BenchChild kChild("kept", [](const std::string& allocator) { return std::vector{kept(allocator)};
//   }); const BenchPart kPart("memory", [](RowPrinter& rows) { rows.add(row_of(run_child("kept",
//   "glibc")[0])); });
//
// Thread-safety: one thread. Cost: that of the parts. Limits: none. Errors: run_child() says nothing when the
// child did not end well. Ownership: values.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness.h"

namespace plimsoll {

using BenchPartRun = std::function<void(RowPrinter&)>;
using BenchChildRun = std::function<std::vector<double>(const std::string&)>;

inline std::vector<std::pair<std::string, BenchPartRun>>& bench_parts() {
  static std::vector<std::pair<std::string, BenchPartRun>> parts;
  return parts;
}
inline std::map<std::string, BenchChildRun>& bench_children() {
  static std::map<std::string, BenchChildRun> children;
  return children;
}

struct BenchPart {
  BenchPart(std::string name, BenchPartRun run) {
    bench_parts().emplace_back(std::move(name), std::move(run));
  }
};
struct BenchChild {
  BenchChild(const std::string& name, BenchChildRun run) { bench_children()[name] = std::move(run); }
};

std::vector<double> run_child(const std::string& name, const std::string& argument);

}  // namespace plimsoll
