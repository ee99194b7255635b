// ProcessorMagazines: a magazine of each class for each processor, for threads that are too many to have
// their own.
//
// Taking and giving are restartable sequences: the kernel sends a thread that it moves or interrupts in the
// middle of one back to its begin, so that plain loads and stores of the processor's own magazine are enough
// (Turner and Hunter, Linux Plumbers 2013; Desnoyers, rseq(2), 2018; the per-CPU caches of tcmalloc). They
// use the registration that glibc made for the thread (2.35 and later), of which they write rseq_cs and read
// cpu_id only. Invariant: count <= capacity; what count covers is objects of the class; capacity is 0 while
// drain() takes them away.
//
// Thread-safety: any thread. Cost: 3 ns for take() or give(). Limits: x86-64, glibc 2.35, a kernel that has
// rseq(2), and not under the thread sanitizer, which does not understand it. Errors: take() says null when
// the magazine is empty, give() false when it is full: the caller refills and drains by hand. Ownership: owns
// the magazines, none of the objects.
//
// Memory orders: a magazine is its processor's. drain() comes from another: it closes the magazine (capacity
// 0, relaxed), and membarrier(2) then restarts whoever is inside a sequence and lets all see the closed
// magazine: from its return to the store (release) that opens it again nobody reads or writes it. Kernels
// without that command cannot drain, and what is in the magazines stays there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "plimsoll/alloc/magazine.h"
#include "plimsoll/budget/account.h"
#include "plimsoll/os/pages.h"

namespace plimsoll {

class ProcessorMagazines {
 public:
  struct Options {
    PageSource& pages;
    Account& account;
    unsigned classes;
    unsigned processors;
  };

  // Whether threads of this process can have them.
  static bool available();

  explicit ProcessorMagazines(const Options& options);
  ~ProcessorMagazines();  // REQUIRES: drained
  ProcessorMagazines(const ProcessorMagazines&) = delete;
  ProcessorMagazines& operator=(const ProcessorMagazines&) = delete;
  // False: no memory for them; then nothing else may be called.
  bool opened() const { return stride_ > 0; }

  void* take(unsigned size_class) noexcept;
  bool give(unsigned size_class, void* object) noexcept;
  // How many objects of the class a magazine holds; before the first take().
  void set_capacity(unsigned size_class, std::uint32_t capacity);
  std::uint32_t capacity(unsigned size_class) const;
  // Everything of one magazine into `objects`, which must have room for Magazine::kSlots; says how many.
  std::size_t drain(unsigned processor, unsigned size_class, std::span<void*> objects) noexcept;
  unsigned processors() const { return options_.processors; }

 private:
  struct alignas(16) Shelf {
    std::uint32_t count;
    std::uint32_t capacity;
    void* slots[Magazine::kSlots];  // NOLINT: the sequences know the layout
  };
  Shelf& shelf(unsigned processor, unsigned size_class) const;

  Options options_;
  PageRange range_;
  Charge charge_;
  std::uint64_t stride_ = 0;  // bytes from one processor's to the next's
};

}  // namespace plimsoll
