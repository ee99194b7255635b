#include "plimsoll/server/databases.h"

namespace plimsoll {

unsigned Databases::database_at(unsigned place) const {
  unsigned database = 0;
  while (place_of(database) != place) ++database;
  return database;
}

void Databases::swap(unsigned a, unsigned b) {
  const auto first = places_[a].load(std::memory_order_relaxed);
  places_[a].store(places_[b].load(std::memory_order_relaxed), std::memory_order_relaxed);
  places_[b].store(first, std::memory_order_relaxed);
}

}  // namespace plimsoll
