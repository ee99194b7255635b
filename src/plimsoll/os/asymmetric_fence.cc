#include "plimsoll/os/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plimsoll/base/check.h"
#include "plimsoll/base/sanitized.h"

namespace plimsoll {
namespace {

long membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0); }

bool register_process() {
  // The thread sanitizer does not know what membarrier orders.
  if (kThreadSanitized) return false;
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  if (commands < 0 || (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return false;
  return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

}  // namespace

bool AsymmetricFence::prepare() noexcept {
  static const bool registered = register_process();
  return registered;
}

void AsymmetricFence::heavy() const noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with light()
  if (!available_) return;
  const long done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  // Never refused once the process is registered, and a light() that relied on it cannot be undone.
  PLIMSOLL_CHECK(done == 0, "membarrier");
}

}  // namespace plimsoll
