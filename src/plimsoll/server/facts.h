// Facts: what commands may ask of the server, answered from the node and the loops.
//
// Thread-safety: info() and the others from any loop's thread; CONFIG SET takes effect at once everywhere.
// Cost: as the parts say. Limits: none. Errors: texts for the client. Ownership: refers to the node and the
// loops.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "plimsoll/server/loop.h"

namespace plimsoll {

class Facts final : public ServerFacts {
 public:
  Facts(Node& node, const std::vector<std::unique_ptr<Loop>>& loops) : node_(node), loops_(loops) {}

  std::string info(std::string_view section) const override;
  std::vector<std::string> client_lines() const override;
  std::string_view password() const override { return node_.settings.password; }
  std::vector<std::pair<std::string, std::string>> config_get(std::string_view glob) const override;
  std::string config_set(std::string_view name, std::string_view value) override;
  void reset_stats() override;
  Account& scratch() override { return node_.output; }
  void alone(const std::function<void()>& run) override;
  void several(Several what, const std::function<void()>& run) override;
  void each_session(const std::function<void(const Session&)>& visit) override;
  std::size_t close_sessions(const std::function<bool(const Session&)>& chosen) override;
  Charge charge_transaction(Bytes bytes) override;
  Bytes transaction_maximum() const override { return node_.plan().reader_share; }
  MemoryFigures memory_figures() const override;
  std::string memory_advice() const override;
  std::string memory_table() const override;
  void purge_memory() override;

 private:
  // Counters as CONFIG RESETSTAT found them: INFO counts from there, /metrics from the start.
  struct Base {
    TrafficStatus traffic;
    ByteCache::Stats cache;
  };

  // Calls visit for each connection of each loop, with that loop's sessions held still.
  void visit_members(const std::function<void(Loop&, const LoopMember&)>& visit) const;

  Node& node_;
  mutable Mutex mutex_;
  Base base_ PLIMSOLL_GUARDED_BY(mutex_);
  const std::vector<std::unique_ptr<Loop>>& loops_;
  std::atomic<const Loop*> alone_{nullptr};  // whose thread holds all loops' mutexes
};

}  // namespace plimsoll
