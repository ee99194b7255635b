#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using namespace std::string_view_literals;

TEST(NumberCommands, IncrAndDecrCount) {
  CommandFixture f;
  f.expect({
      {"incr k", ":1\r\n"},
      {"incr k", ":2\r\n"},
      {"decr k", ":1\r\n"},
      {"get k", "$1\r\n1\r\n"},
      {"decrby k 10", ":-9\r\n"},
      {"incrby k 5", ":-4\r\n"},
      {"incrby k -5", ":-9\r\n"},
      {"decrby k -20", ":11\r\n"},
      {"get k", "$2\r\n11\r\n"},
      {"expire k 100", ":1\r\n"},
      {"incr k", ":12\r\n"},
      {"ttl k", ":100\r\n"},
      {"incr", "-ERR wrong number of arguments for 'incr' command\r\n"},
      {"incr k 1", "-ERR wrong number of arguments for 'incr' command\r\n"},
      {"incrby k", "-ERR wrong number of arguments for 'incrby' command\r\n"},
      {"decr absent", ":-1\r\n"},
  });
}

TEST(NumberCommands, OnlyWhatPrintingAnIntegerGivesIsOne) {
  CommandFixture f;
  f.expect({
      {"set k abc", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k ''", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k ' 1'", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k '1 '", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k 01", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k +1", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k -0", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k -", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k 0", "+OK\r\n"},
      {"incr k", ":1\r\n"},
      {"set k 1.0", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k 9223372036854775808", "+OK\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k -9223372036854775809", "+OK\r\n"},
      {"decr k", "-ERR value is not an integer or out of range\r\n"},
      {"set k 5", "+OK\r\n"},
      {"incrby k x", "-ERR value is not an integer or out of range\r\n"},
      {"incrby k ''", "-ERR value is not an integer or out of range\r\n"},
      {"incrby k 1.5", "-ERR value is not an integer or out of range\r\n"},
      {"incrby k 9223372036854775808", "-ERR value is not an integer or out of range\r\n"},
      {"decrby k x", "-ERR value is not an integer or out of range\r\n"},
      {"decrby k -9223372036854775808", "-ERR decrement would overflow\r\n"},
      {"incrby k -9223372036854775808", ":-9223372036854775803\r\n"},
      {"get k", "$20\r\n-9223372036854775803\r\n"},
  });
}

TEST(NumberCommands, AnOverflowIsRefusedAndChangesNothing) {
  CommandFixture f;
  f.expect({
      {"set k 9223372036854775806", "+OK\r\n"},
      {"incr k", ":9223372036854775807\r\n"},
      {"incr k", "-ERR increment or decrement would overflow\r\n"},
      {"incrby k 1", "-ERR increment or decrement would overflow\r\n"},
      {"decrby k -1", "-ERR increment or decrement would overflow\r\n"},
      {"get k", "$19\r\n9223372036854775807\r\n"},
      {"incrby k -9223372036854775807", ":0\r\n"},
      {"incrby k -9223372036854775808", ":-9223372036854775808\r\n"},
      {"decr k", "-ERR increment or decrement would overflow\r\n"},
      {"decrby k 1", "-ERR increment or decrement would overflow\r\n"},
      {"get k", "$20\r\n-9223372036854775808\r\n"},
  });
}

TEST(NumberCommands, IncrbyfloatAddsFractions) {
  CommandFixture f;
  f.expect({
      {"incrbyfloat k 10.5", "$4\r\n10.5\r\n"},
      {"incrbyfloat k 0.1", "$4\r\n10.6\r\n"},
      {"incrbyfloat k -5", "$3\r\n5.6\r\n"},
      {"incrbyfloat k 5.0e3", "$22\r\n5005.60000000000000009\r\n"},
      {"incrbyfloat k 0x10", "$22\r\n5021.60000000000000009\r\n"},
      {"get k", "$22\r\n5021.60000000000000009\r\n"},
      {"set k 3.0e3", "+OK\r\n"},
      {"incrbyfloat k 200", "$4\r\n3200\r\n"},
      {"set k 1", "+OK\r\n"},
      {"incrbyfloat k -1.0", "$1\r\n0\r\n"},
      {"incrbyfloat k -0.000000000000000001", "$1\r\n0\r\n"},
      {"set k 3", "+OK\r\n"},
      {"incrbyfloat k 1.1", "$3\r\n4.1\r\n"},
      {"incrbyfloat k .5", "$3\r\n4.6\r\n"},
      {"expire k 100", ":1\r\n"},
      {"incrbyfloat k 1", "$3\r\n5.6\r\n"},
      {"ttl k", ":100\r\n"},
      {"incrbyfloat k 1e20", "$21\r\n100000000000000000008\r\n"},
      {"incrbyfloat k +1", "$21\r\n100000000000000000008\r\n"},
      {"set k 9223372036854775807", "+OK\r\n"},
      {"incrbyfloat k 1", "$19\r\n9223372036854775808\r\n"},
  });
}

TEST(NumberCommands, IncrbyfloatRefusesWhatIsNoFiniteNumber) {
  CommandFixture f;
  f.expect({
      {"set k abc", "+OK\r\n"},
      {"incrbyfloat k 1", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k abc", "-ERR value is not a valid float\r\n"},
      {"set k ''", "+OK\r\n"},
      {"incrbyfloat k 1", "-ERR value is not a valid float\r\n"},
      {"set k ' 1'", "+OK\r\n"},
      {"incrbyfloat k 1", "-ERR value is not a valid float\r\n"},
      {"set k '1 '", "+OK\r\n"},
      {"incrbyfloat k 1", "-ERR value is not a valid float\r\n"},
      {"set k 1", "+OK\r\n"},
      {"incrbyfloat k abc", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k ''", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k ' 1'", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k '1 '", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k 1x", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k 1\0001"sv, "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k nan", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k inf", "-ERR increment would produce NaN or Infinity\r\n"},
      {"incrbyfloat k -inf", "-ERR increment would produce NaN or Infinity\r\n"},
      {"incrbyfloat k 1e5000", "-ERR value is not a valid float\r\n"},
      {"incrbyfloat k 1e-5000", "-ERR value is not a valid float\r\n"},
      {"set k inf", "+OK\r\n"},
      {"incrbyfloat k 1", "-ERR increment would produce NaN or Infinity\r\n"},
      {"set k 1.18e4932", "+OK\r\n"},
      {"incrbyfloat k 1.18e4932", "-ERR increment would produce NaN or Infinity\r\n"},
      {"incrbyfloat k", "-ERR wrong number of arguments for 'incrbyfloat' command\r\n"},
  });
}

TEST(NumberCommands, AValueWithPagesOfItsOwnIsNoNumber) {
  CommandFixture f;
  f.run({"set", "k", std::string(100'000, '1')});
  EXPECT_EQ(f.run("incr k"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(f.run("incrbyfloat k 1"), "-ERR value is not a valid float\r\n");
}

TEST(NumberCommands, FloatsMayHaveThousandsOfDigits) {
  CommandFixture f;
  const std::string huge = f.run("incrbyfloat k 1e4931");
  EXPECT_EQ(huge.substr(0, 11), "$4932\r\n1000");
  EXPECT_EQ(f.run("get k"), huge);
  EXPECT_EQ(f.run("incrbyfloat k 1"), huge);
}

}  // namespace
}  // namespace plimsoll
