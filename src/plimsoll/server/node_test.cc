#include "plimsoll/server/node.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace plimsoll {
namespace {

// Each set all that can be set, as it had read it before.
TEST(Node, LosesNoSettingThatIsMadeBesideAnother) {
  Settings settings;
  settings.line = "64MiB";
  auto opened = Node::open(settings);
  ASSERT_TRUE(opened);
  Node& node = **opened;
  std::atomic<bool> ended{false};
  std::thread other([&] {
    for (int i = 0; !ended.load(); ++i)
      EXPECT_EQ(node.set_now("default_ttl", std::to_string(i % 7) + "s"), "");
  });
  int lost = 0;
  for (int i = 0; i < 3000; ++i) {
    const Compression wanted = i % 2 == 0 ? Compression::kLz4 : Compression::kOff;
    EXPECT_EQ(node.set_now("compression", name_of(wanted)), "");
    lost += node.current_settings().compression != wanted ? 1 : 0;
  }
  ended.store(true);
  other.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace plimsoll
