// The benchmark harness: how every figure of this project is taken and printed.
//
// On a machine that others share, CPU time moves by some per cent and wall time by a factor of two, so only
// ratios within one run count: contenders take turns, round by round; a round's ratio is taken within the
// round, and the median of these is the figure. One contender is ours once more: when that ratio is more than
// 5 % off one, the machine was too noisy and the row does not count.
//
//   PairedRounds rounds(9);
//   PairedResult result = rounds.run([&] { return cpu_of_ours(); }, {{"redis 7.0.15", [&] { return
//   cpu_of_redis(); }}}); table.add(row_of(result, {.bench = "GET -P 16", .unit = "us", .must = 1.2, .aim =
//   0.5}));
//
// Thread-safety: one thread. Cost: that of the contenders. Limits: none. Errors: a figure that cannot be had
// is not a row. Ownership: values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plimsoll {

// The name of a server that does nothing: printed beside the others as the floor, never the peer of a ratio.
inline constexpr const char* kFloor = "nothing";

double median(std::vector<double> values);
// The value at `share` (0..1) of the sorted values, between neighbours in proportion. 0 when there are none.
double quantile_of(std::vector<double> values, double share);

struct BenchContender {
  std::string name;
  std::function<double()> run;  // one round; its cost, smaller is better
};

struct BenchAgainst {
  std::string name;
  double value = 0;  // its median
  double ratio = 0;  // the median of ours / its, round by round
  double low = 0;    // quartiles of that
  double high = 0;
};

struct PairedResult {
  double ours = 0;
  BenchAgainst again;  // ours against ours
  std::vector<BenchAgainst> peers;
  // The peer with the smallest value, floors aside; null without peers.
  const BenchAgainst* best() const;
  bool steady() const { return again.ratio > 0.95 && again.ratio < 1.05; }  // false for no number
};

// From what each contender measured in each round; ours[i], again[i] and peers[k][i] are of round i.
PairedResult paired_result(const std::vector<double>& ours, const std::vector<double>& again,
                           const std::vector<std::string>& names,
                           const std::vector<std::vector<double>>& peers);

class PairedRounds {
 public:
  // REQUIRES: rounds > 0. Nine are the least for a figure that is quoted.
  explicit PairedRounds(unsigned rounds) : rounds_(rounds) {}
  // Every contender runs once to warm up, then once a round; who begins changes from round to round.
  PairedResult run(const std::function<double()>& ours, const std::vector<BenchContender>& peers) const;
  // For contenders that measure several things in one round: a result for each thing.
  std::vector<PairedResult> run_many(const std::function<std::vector<double>()>& ours,
                                     const std::vector<std::string>& names,
                                     const std::vector<std::function<std::vector<double>()>>& peers) const;

 private:
  const unsigned rounds_;
};

// How `must` and `aim` bind.
enum class BenchBound : std::uint8_t {
  kRatio,    // the ratio to the best peer is at most
  kAtMost,   // our figure itself is at most
  kAtLeast,  // our figure itself is at least
};

struct BenchRow {
  std::string bench{};
  std::string unit{};
  double ours = 0;
  std::string peer{};
  std::optional<double> peer_value{};
  std::optional<double> ratio{};  // ours / peer, for rates peer / ours: smaller is better
  std::optional<double> must{};
  std::optional<double> aim{};
  BenchBound bound = BenchBound::kRatio;
  bool counts = true;   // false: too noisy
  bool failed = false;  // what was measured did not survive it: `must` cannot hold
  std::string note{};   // for people: spread, A/A, other peers

  // `must` holds; nothing when there is no must or the row does not count.
  std::optional<bool> ok() const;
  std::string json() const;
};

// `row` with the figures of `result` filled in. For rates: the contenders returned seconds for a fixed piece
// of work, and `scale` / seconds is printed.
BenchRow row_of(const PairedResult& result, BenchRow row);
BenchRow rate_row_of(const PairedResult& result, double scale, BenchRow row);

// Rows as a table for people, or as JSON, one object a line, as they come.
class RowPrinter {
 public:
  explicit RowPrinter(bool json) : json_(json) {}
  void title(const std::string& text);
  void add(const BenchRow& row);
  const std::vector<BenchRow>& rows() const { return rows_; }
  // False when a row's must is missed.
  bool all_ok() const;

 private:
  const bool json_;
  std::vector<BenchRow> rows_;
};

// "2 x Intel(R) Xeon(R) ..., 23.5 GiB, Linux 6.1, g++ 12.2": one JSON object, with the date.
std::string machine_line();
std::string json_quoted(const std::string& text);

// CPU time of this thread, and of all threads of a process (schedstat), in nanoseconds.
std::uint64_t thread_cpu_ns();
std::uint64_t process_cpu_ns(pid_t process);
// Of its threads whose name begins so.
std::uint64_t threads_cpu_ns(pid_t process, const std::string& name_begins);
// This thread, and those it makes, run on that core only.
void pin_to_core(int core);

}  // namespace plimsoll
