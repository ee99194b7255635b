#include "plimsoll/cli/load.h"

#include <algorithm>
#include <thread>

#include "plimsoll/base/check.h"
#include "plimsoll/cli/load_socket.h"
#include "plimsoll/cli/load_worker.h"

namespace plimsoll {

Result<void> LoadOptions::Validate() const {
  if (port == 0) return fail(ErrorCode::kInvalid, "a load needs a port");
  if (connections == 0 || threads == 0 || pipeline == 0 || keys == 0) {
    return fail(ErrorCode::kInvalid, "a load needs a connection, a thread, a pipeline of 1 and a key");
  }
  if (threads > connections) return fail(ErrorCode::kInvalid, "more threads than connections");
  if (value_size > ValueSource::kLargest) return fail(ErrorCode::kOutOfRange, "values are at most 2 MiB");
  if (versions == 0 || versions > 32) return fail(ErrorCode::kOutOfRange, "a key has 1 to 32 versions");
  if (get_share < 0 || get_share > 1) return fail(ErrorCode::kOutOfRange, "get_share is 0 to 1");
  return {};
}

LoadClient::LoadClient(LoadOptions options, const ValueSource& values)
    : options_(std::move(options)), values_(values), stats_(std::make_unique<LoadStats>()) {}

LoadClient::~LoadClient() { stop(); }

Result<void> LoadClient::start() {
  PLIMSOLL_CHECK(workers_.empty());
  if (auto valid = options_.Validate(); !valid) return valid;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  auto probe = LoadSocket::connect_before(options_.host, options_.port, deadline);
  if (!probe) return tl::unexpected(probe.error());

  LoadWorker::Shared shared{options_, values_, *stats_, tickets_};
  for (unsigned i = 0; i < options_.threads; ++i) {
    unsigned share = options_.connections / options_.threads + (i < options_.connections % options_.threads);
    workers_.push_back(std::make_unique<LoadWorker>(shared, i, share));
    if (auto started = workers_.back()->start(); !started) return started;
  }
  return {};
}

void LoadClient::stop() { workers_.clear(); }

bool LoadClient::finished() const {
  std::uint64_t ended =
      stats_->answered.load(std::memory_order_relaxed) + stats_->lost.load(std::memory_order_relaxed);
  return options_.requests != 0 && ended >= options_.requests;
}

bool LoadClient::wait_until_finished(MonotonicTime deadline) const {
  while (!finished()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace plimsoll
