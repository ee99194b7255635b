#include "plimsoll/cache/internal/reader_place.h"

#include <array>

#include "plimsoll/base/mutex.h"

namespace plimsoll {

constinit thread_local unsigned reader_place_of_this_thread = kNoReaderPlace;

namespace {

class Places {
 public:
  unsigned take() {
    MutexLock lock(mutex_);
    for (unsigned place = 0; place < kOwnedReaderPlaces; ++place) {
      if (taken_[place]) continue;
      taken_[place] = true;
      return place;
    }
    return shared();
  }
  // What the thread has from now on.
  unsigned give(unsigned place) {
    MutexLock lock(mutex_);
    if (place < kOwnedReaderPlaces) taken_[place] = false;
    return shared();
  }

 private:
  unsigned shared() PLIMSOLL_REQUIRES(mutex_) {
    return kOwnedReaderPlaces + next_shared_++ % kSharedReaderPlaces;
  }

  Mutex mutex_;
  std::array<bool, kOwnedReaderPlaces> taken_ PLIMSOLL_GUARDED_BY(mutex_){};
  unsigned next_shared_ PLIMSOLL_GUARDED_BY(mutex_) = 0;
};

Places& places() {
  // Never ended: threads may outlive everything static.
  static Places* const all = new Places;
  return *all;
}

// A thread's place, from its first reading to its end. What reads after that, from another destructor,
// shares.
struct Place {
  const unsigned number = places().take();
  ~Place() { reader_place_of_this_thread = places().give(number); }
};

}  // namespace

unsigned find_reader_place() {
  thread_local const Place place;
  return reader_place_of_this_thread = place.number;
}

}  // namespace plimsoll
