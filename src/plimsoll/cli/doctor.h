// Diagnosis: what a machine lets Plimsoll do, and what a person could change about it.
//
// Read once and kept as values, so that what is printed and what is advised are pure functions of it.
//
// Thread-safety: a value. Cost: examine() about 5 ms: it makes a memory cgroup and removes it. Limits: none.
// Errors: what cannot be read is said in the place where it would stand; none is fatal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plimsoll/base/bytes.h"

namespace plimsoll {

struct Diagnosis {
  Bytes limit;
  std::string limit_words;   // what binds; or why nothing is known
  std::string limit_source;  // as in metrics
  Bytes line;
  bool bound_by_cgroup = false;
  bool cgroup_usable = false;  // one can be made here
  std::string cgroup_fault;    // why not
  std::string kernel;
  Bytes machine_memory;
  Bytes available;
  Bytes swap;
  std::string huge_pages;  // "always", "madvise", "never"
  int overcommit = -1;     // vm.overcommit_memory; -1: unknown
  std::uint64_t files_soft = 0;
  std::uint64_t files_hard = 0;
  unsigned cpus = 0;
  Bytes page_size;
  bool rseq = false;  // registered by the C library
};

Diagnosis examine();
// What could be better, a sentence each; empty is well.
std::vector<std::string> advice_on(const Diagnosis& diagnosis);
std::string text_of(const Diagnosis& diagnosis);
std::string json_of(const Diagnosis& diagnosis);

}  // namespace plimsoll
