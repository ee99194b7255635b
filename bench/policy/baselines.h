// Baselines: what other simulators' policies missed on the traces of a folder, as its baselines.csv has it.
//
// Columns that are read: trace, basis, fraction, policy, object_miss_ratio, byte_miss_ratio, note. Rows with
// a note are artefacts of a simulator and left out, and so is belady, which knows the future.
//
// Thread-safety: immutable. Cost: one read of the file. Limits: none. Errors: none: without the file, or a
// cell, nothing is known. Ownership: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace plimsoll {

struct PolicyCell {
  std::string trace;
  std::string basis;  // "objects" or "bytes"
  double fraction = 0;
  bool byte_misses = false;  // the share of bytes that were missed, and not of requests
};

struct BestPolicy {
  std::string name;
  double missed = 1;  // 0..1
};

class Baselines {
 public:
  explicit Baselines(const std::string& path);
  // The best of the policies that know no future; nothing where no row is of this cell.
  std::optional<BestPolicy> best(const PolicyCell& cell) const;
  std::optional<double> missed(const PolicyCell& cell, const std::string& policy) const;

 private:
  using Key = std::tuple<std::string, std::string, long, bool>;  // the fraction in millionths
  static Key key_of(const PolicyCell& cell);
  std::map<Key, std::map<std::string, double>> cells_;
};

}  // namespace plimsoll
