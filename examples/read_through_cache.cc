// A read-through cache: objects in front of a slow source, each loaded once, bounded by what they weigh.
//
//   cmake --build --preset release --target example_read_through_cache &&
//   build/release/example_read_through_cache
#include <cstdio>
#include <string>

#include "plimsoll/budget/load_line.h"
#include "plimsoll/cache/cache.h"

using namespace plimsoll::literals;
using namespace std::chrono_literals;

namespace {

struct User {
  std::string name;
  std::string letter;
};

}  // namespace

int main() {
  plimsoll::LoadLine line({.limit = 256_MiB});
  plimsoll::Account& account = line.open({.name = "users", .kind = plimsoll::AccountKind::kDroppable});

  int gone = 0;
  auto users = plimsoll::Cache<std::string, User>::build(account)
                   .maximum(1_MiB)
                   .weigh([](const User& user) { return plimsoll::Bytes(user.letter.capacity()); })
                   .expire_after_write(10min)
                   .on_removed([&](const std::string&, const User&, plimsoll::Removal) { ++gone; })
                   .open();

  // However many threads ask for a user, the source is asked once; an error goes to all of them.
  auto from_source = [](std::string_view id) -> plimsoll::Result<User> {
    if (id == "nobody") return plimsoll::fail(plimsoll::ErrorCode::kNotFound, "there is no such user");
    return User{"user " + std::string(id), std::string(4000, 'x')};
  };
  for (int i = 0; i < 1000; ++i) {
    auto user = users.get_or_load(std::to_string(i % 500), from_source);
    auto again = users.get_or_load(std::to_string(i % 500), from_source);
    if (i == 999 && user && again)
      std::printf("%s, %s\n", (*user)->name.c_str(), user->get() == again->get() ? "once" : "twice");
  }
  if (auto nobody = users.get_or_load("nobody", from_source); !nobody)
    std::printf("%s\n", nobody.error().what);

  const auto stats = users.stats();
  std::printf("%llu kept within 1 MiB, %d gone, %llu loads, %llu hits\n",
              static_cast<unsigned long long>(users.size()), gone,
              static_cast<unsigned long long>(stats.loads),
              static_cast<unsigned long long>(stats.cache.hits));
  return 0;
}
