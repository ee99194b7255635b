// restart_sequences: ends every restartable sequence (rseq(2)) that a thread of this process is in.
//
// What was stored before the call is seen by all sequences that run after it; what sequences stored is seen
// after it returns. For taking away what sequences work on, as the per-CPU caches of tcmalloc do.
//
// Thread-safety: any thread. Cost: a system call that interrupts the other processors: a few us. Limits:
// none. Errors: false where the kernel does not have it (before 5.10); then nothing happened.
#pragma once

namespace plimsoll {

[[nodiscard]] bool restart_sequences();

}  // namespace plimsoll
