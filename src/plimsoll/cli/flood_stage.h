// FloodStage: where a flood plays: the server in its group, the watch, the calm client, and the loads put
// upon it.
//
// It ends every wait early when the server dies, and turns what was seen into a FloodResult.
//
// Thread-safety: one thread. Cost: see floods. Limits: one server. Errors: open() fails as run_flood() does;
// loads that cannot start are failures of the result. Ownership: owns all that it starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plimsoll/cli/flood.h"
#include "plimsoll/cli/flood_scrape.h"
#include "plimsoll/cli/flood_server.h"
#include "plimsoll/cli/flood_watch.h"
#include "plimsoll/cli/load.h"
#include "plimsoll/os/scratch_cgroup.h"

namespace plimsoll {

class FloodStage {
 public:
  static Result<std::unique_ptr<FloodStage>> open(const FloodOptions& options);

  // Waits; false once the server is dead.
  bool run_for(Duration duration);
  bool alive() { return server_->alive(); }

  // Options that name the server; all else is the caller's.
  LoadOptions load() const;
  // Starts a load that runs, and counts, to the end. Valid as long as the stage.
  LoadClient& start_load(const LoadOptions& options);
  // Adds what other clients counted, once they have ended.
  void count(const LoadStats& stats);

  // Keys fill:0000... of 1 KiB until `total` bytes have been sent, or it takes too long.
  void fill(Bytes total);
  // Every key of `options` once, in order.
  void store_all(LoadOptions options);

  // Lowers the cgroup's limit to `goal`, or as far towards it as the kernel lets it go now; returns what it
  // is then.
  Bytes lower_limit(Bytes goal);
  void restore_limit();
  Bytes limit() const { return limit_; }
  Bytes line() const;  // of the limit as it is now

  const FloodOptions& options() const { return options_; }
  const ValueSource& values() const { return values_; }
  FloodWatch& watch() { return *watch_; }
  std::optional<FloodScrape> scrape();
  void figure(std::string name, double value) { result_.figures.push_back({std::move(name), value}); }
  void fail_with(std::string failure) { result_.failures.push_back(std::move(failure)); }
  // True for a server that is expected to hold out.
  bool governed() const { return options_.target == FloodTarget::kPlimsoll; }

  // Ends all clients and the server. REQUIRES: called once, last.
  FloodResult finish();

 private:
  explicit FloodStage(const FloodOptions& options) : options_(options), limit_(options.limit) {}
  Result<void> start_server();
  void start_calm_client();
  void look(MonotonicTime now);
  void compare_accounts();
  void sum_up_calm();
  void sum_up_memory();
  void read_server_figures();
  void judge();

  const FloodOptions options_;
  Bytes limit_;
  const ValueSource values_;
  std::optional<ScratchCgroup> group_;
  std::unique_ptr<FloodServer> server_;
  std::unique_ptr<FloodWatch> watch_;
  std::unique_ptr<LoadClient> calm_;
  std::vector<std::unique_ptr<LoadClient>> loads_;
  MonotonicTime began_;
  MonotonicTime next_progress_;
  MonotonicTime next_comparison_;
  std::optional<MonotonicTime> died_;
  std::vector<double> explained_;
  std::optional<double> readers_share_;  // of the line, in bytes, by the server's word
  FloodResult result_;
};

// The part that each scenario plays; null when there is none of that name.
using FloodPlay = void (*)(FloodStage&);
FloodPlay flood_play(std::string_view scenario);

// limit - the largest of 4 % and 4 MiB: where the server should stop.
Bytes flood_line(Bytes limit);

}  // namespace plimsoll
