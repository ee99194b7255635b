#include "plimsoll/alloc/internal/processor_magazines.h"

#include <sys/rseq.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "plimsoll/base/sanitized.h"
#include "plimsoll/os/sequence_fence.h"

namespace plimsoll {
namespace {

#if defined(__x86_64__)
constexpr bool kWritten = !kThreadSanitized;

// The thread's, as glibc registered it.
struct rseq& registration() {
  return *reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
}

enum class Outcome : int { kInterrupted = -1, kNothing = 0, kDone = 1 };

// Both: from label 1 to label 2 is the sequence, whose last instruction is its only visible one; an
// interrupted one goes on at label 4. %rax is the shelf: count at 0, capacity at 4, slots from 8 on.
#define PLIMSOLL_SEQUENCE(body)                                                       \
  ".pushsection __rseq_cs, \"aw\"\n\t"                                                \
  ".balign 32\n\t"                                                                    \
  "3: .long 0, 0\n\t"                                                                 \
  ".quad 1f, 2f - 1f, 4f\n\t"                                                         \
  ".popsection\n\t"                                                                   \
  "leaq 3b(%%rip), %%rax\n\t"                                                         \
  "movq %%rax, %[rseq_cs]\n\t"                                                        \
  "1:\n\t"                                                                            \
  "movl %[cpu_id], %%eax\n\t"                                                         \
  "imulq %[stride], %%rax\n\t"                                                        \
  "addq %[begin], %%rax\n\t"                                                          \
  "movl (%%rax), %%ecx\n\t" body                                                      \
  "2:\n\t"                                                                            \
  "movl $1, %[outcome]\n\t"                                                           \
  "jmp 6f\n\t"                                                                        \
  ".byte 0x0f, 0xb9, 0x3d\n\t" /* an instruction that is none, round the signature */ \
  ".long 0x53053053\n\t"                                                              \
  "4: movl $-1, %[outcome]\n\t"                                                       \
  "jmp 6f\n\t"                                                                        \
  "5: movl $0, %[outcome]\n\t"                                                        \
  "6:\n\t"

Outcome sequence_take(char* begin, std::uint64_t stride, void*& object) {
  struct rseq& mine = registration();
  int outcome = 0;
  void* taken = nullptr;
  asm volatile(PLIMSOLL_SEQUENCE("testl %%ecx, %%ecx\n\t"
                                 "jz 5f\n\t"
                                 "cmpl $0, 4(%%rax)\n\t"
                                 "je 5f\n\t"
                                 "movq (%%rax,%%rcx,8), %[object]\n\t"  // slots[count - 1]
                                 "decl %%ecx\n\t"
                                 "movl %%ecx, (%%rax)\n\t")
               : [outcome] "=&r"(outcome), [object] "=&r"(taken), [rseq_cs] "=m"(mine.rseq_cs)
               : [cpu_id] "m"(mine.cpu_id), [stride] "r"(stride), [begin] "r"(begin)
               : "rax", "rcx", "memory", "cc");
  object = taken;
  return static_cast<Outcome>(outcome);
}

Outcome sequence_give(char* begin, std::uint64_t stride, void* object) {
  struct rseq& mine = registration();
  int outcome = 0;
  asm volatile(PLIMSOLL_SEQUENCE("cmpl 4(%%rax), %%ecx\n\t"
                                 "jae 5f\n\t"
                                 "movq %[object], 8(%%rax,%%rcx,8)\n\t"
                                 "incl %%ecx\n\t"
                                 "movl %%ecx, (%%rax)\n\t")
               : [outcome] "=&r"(outcome), [rseq_cs] "=m"(mine.rseq_cs)
               : [cpu_id] "m"(mine.cpu_id), [stride] "r"(stride), [begin] "r"(begin), [object] "r"(object)
               : "rax", "rcx", "memory", "cc");
  return static_cast<Outcome>(outcome);
}
#undef PLIMSOLL_SEQUENCE

bool registered() { return __rseq_size > 0 && static_cast<int>(registration().cpu_id) >= 0; }

#else
constexpr bool kWritten = false;
enum class Outcome { kInterrupted, kNothing, kDone };
Outcome sequence_take(char*, std::uint64_t, void*&) { return Outcome::kNothing; }
Outcome sequence_give(char*, std::uint64_t, void*) { return Outcome::kNothing; }
bool registered() { return false; }
#endif

}  // namespace

bool ProcessorMagazines::available() { return kWritten && registered(); }

ProcessorMagazines::ProcessorMagazines(const Options& options) : options_(options) {
  const Bytes page = options.pages.page_size();
  const Bytes stride = Bytes(options.classes * sizeof(Shelf)).rounded_up(page);
  const Bytes whole = stride * options.processors;
  if (!available()) return;
  charge_ = options.account.charge(whole);
  if (!charge_) return;
  Result<PageRange> range = options.pages.map(whole, page);
  if (!range) {
    charge_ = {};
    return;
  }
  range_ = *range;
  stride_ = stride.count();
}

ProcessorMagazines::~ProcessorMagazines() { static_cast<void>(options_.pages.unmap(range_)); }

ProcessorMagazines::Shelf& ProcessorMagazines::shelf(unsigned processor, unsigned size_class) const {
  return reinterpret_cast<Shelf*>(range_.begin + processor * stride_)[size_class];
}

void ProcessorMagazines::set_capacity(unsigned size_class, std::uint32_t capacity) {
  for (unsigned p = 0; p < options_.processors; ++p)
    shelf(p, size_class).capacity = std::min(capacity, Magazine::kSlots);
}

std::uint32_t ProcessorMagazines::capacity(unsigned size_class) const {
  // Relaxed: drain() sets it to 0 for a moment, and who reads that takes one object instead of several.
  return std::atomic_ref(shelf(0, size_class).capacity).load(std::memory_order_relaxed);
}

void* ProcessorMagazines::take(unsigned size_class) noexcept {
  void* object = nullptr;
  Outcome outcome = Outcome::kInterrupted;
  char* begin = reinterpret_cast<char*>(range_.begin) + size_class * sizeof(Shelf);
  while (outcome == Outcome::kInterrupted) outcome = sequence_take(begin, stride_, object);
  return outcome == Outcome::kDone ? object : nullptr;
}

bool ProcessorMagazines::give(unsigned size_class, void* object) noexcept {
  Outcome outcome = Outcome::kInterrupted;
  char* begin = reinterpret_cast<char*>(range_.begin) + size_class * sizeof(Shelf);
  while (outcome == Outcome::kInterrupted) outcome = sequence_give(begin, stride_, object);
  return outcome == Outcome::kDone;
}

// One at a time: the caller's lock sees to that.
std::size_t ProcessorMagazines::drain(unsigned processor, unsigned size_class,
                                      std::span<void*> objects) noexcept {
  Shelf& from = shelf(processor, size_class);
  if (std::atomic_ref(from.count).load(std::memory_order_relaxed) == 0) return 0;  // most are
  std::atomic_ref capacity(from.capacity);
  const std::uint32_t usual = capacity.exchange(0, std::memory_order_relaxed);
  std::size_t count = 0;
  if (restart_sequences()) {
    count = std::min<std::size_t>(from.count, objects.size());
    std::copy_n(from.slots, count, objects.begin());
    from.count = 0;
  }
  capacity.store(usual, std::memory_order_release);
  return count;
}

}  // namespace plimsoll
