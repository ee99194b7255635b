#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "plimsoll/cli/verb.h"

namespace plimsoll {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

std::string contents_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

// A trace in a file of its own: four keys, of which the first is asked for most.
class SimVerb : public testing::Test {
 protected:
  SimVerb() {
    const int made = ::mkstemp(path_.data());
    EXPECT_GE(made, 0);
    ::close(made);
    write("key,size,ttl_s,time_s\n1,10,,\n2,20,,\n1,10,,\n3,30,,\n1,10,,\n4,40,,\n1,10,,\n2,20,,\n");
  }
  ~SimVerb() override { ::unlink(path_.c_str()); }

  void write(const std::string& text) {
    std::FILE* file = std::fopen(path_.c_str(), "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  Outcome run(std::vector<const char*> flags) {
    std::vector<const char*> words = {"sim", path_.c_str()};
    words.insert(words.end(), flags.begin(), flags.end());
    const char* const environment[] = {nullptr};
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    const int code = run_command_line(words, environment, out, err);
    return {code, contents_of(out), contents_of(err)};
  }

  std::string path_ = testing::TempDir() + "sim_XXXXXX";
};

TEST_F(SimVerb, PrintsMissRatiosAsJson) {
  Outcome lru = run({"--policy", "lru", "--capacity", "2", "--json"});
  EXPECT_EQ(lru.code, kDone) << lru.err;
  EXPECT_THAT(lru.out, HasSubstr("\"policy\":\"lru\""));
  EXPECT_THAT(lru.out, HasSubstr("\"capacity\":2"));
  EXPECT_THAT(lru.out, HasSubstr("\"requests\":8"));
  EXPECT_THAT(lru.out, HasSubstr("\"object_miss_ratio\":0.625")) << "1 2 3 4 and 2 again";
  EXPECT_THAT(lru.out, HasSubstr("\"byte_miss_ratio\":0.8")) << "120 of 150";
}

TEST_F(SimVerb, TabulatesEveryPolicyAndCapacity) {
  Outcome all = run({"--all", "--capacity", "25%,100%"});
  EXPECT_EQ(all.code, kDone) << all.err;
  EXPECT_THAT(all.out, HasSubstr("8 requests, 4 keys, 100 bytes of values; capacities in objects"));
  for (const char* policy : {"\nlru ", "\nlfu ", "\nfifo ", "\nadaptive "})
    EXPECT_THAT(all.out, HasSubstr(policy));
  EXPECT_THAT(all.out, HasSubstr("25%  1             1.0000"));
  EXPECT_THAT(all.out, HasSubstr("100%  4             0.5000"));
}

TEST_F(SimVerb, CountsBytesWhereTheCapacityIsASize) {
  Outcome sizes = run({"--policy", "fifo", "--capacity", "1k", "--json"});
  EXPECT_THAT(sizes.out, HasSubstr("\"basis\":\"bytes\""));
  EXPECT_THAT(sizes.out, HasSubstr("\"capacity\":1024"));
  Outcome share = run({"--policy", "fifo", "--capacity", "30%", "--basis", "bytes", "--json"});
  EXPECT_THAT(share.out, HasSubstr("\"capacity\":30,"));
  EXPECT_EQ(run({"--capacity", "1k", "--basis", "objects"}).code, kWrongUsage);
}

TEST_F(SimVerb, DrawsACurve) {
  Outcome curve = run({"--policy", "lru", "--curve", "--capacity", "1,4"});
  EXPECT_EQ(curve.code, kDone) << curve.err;
  EXPECT_THAT(curve.out, HasSubstr("########################################\n"));
  EXPECT_THAT(curve.out, HasSubstr(" ####################\n"));
}

TEST_F(SimVerb, ReplaysAShareOfTheKeysWhereAsked) {
  Outcome all = run({"--policy", "lru", "--capacity", "100%", "--sample", "100%"});
  EXPECT_EQ(all.code, kDone) << all.err;
  EXPECT_THAT(all.out, Not(HasSubstr("of the keys, by hash")));
  Outcome some = run({"--policy", "lru", "--capacity", "100%", "--sample", "50%"});
  EXPECT_EQ(some.code, kDone) << some.err;
  EXPECT_THAT(some.out, HasSubstr("from 50 % of the keys, by hash"));
  EXPECT_EQ(run({"--sample", "half"}).code, kWrongUsage);
  EXPECT_EQ(run({"--sample", "0%"}).code, kWrongUsage);
  EXPECT_EQ(run({"--sample", "101%"}).code, kWrongUsage);
}

TEST_F(SimVerb, NamesTheFileAndTheLineOfWhatIsWrong) {
  write("key,size\n1,2\nfive,2\n");
  Outcome wrong = run({"--policy", "lru"});
  EXPECT_EQ(wrong.code, kFailed);
  EXPECT_EQ(wrong.err, "plimsoll: sim: " + path_ + ":3: the key is not an unsigned 64-bit number\n");
  write("key,size\n");
  EXPECT_THAT(run({"--policy", "lru"}).err, HasSubstr("there is no request in it"));
  ::unlink(path_.c_str());
  EXPECT_THAT(run({"--policy", "lru"}).err, HasSubstr(path_ + ": there is no such file"));
}

TEST_F(SimVerb, RefusesFlagsThatItDoesNotUnderstand) {
  auto complaint = [&](std::vector<const char*> flags) {
    Outcome outcome = run(std::move(flags));
    EXPECT_EQ(outcome.code, kWrongUsage);
    return outcome.err;
  };
  EXPECT_THAT(complaint({"--policy", "mru"}), HasSubstr("there are lru, lfu, fifo, adaptive"));
  for (const char* amount : {"x", "%", "1..2%", "-1", "1%%"})
    EXPECT_THAT(complaint({"--capacity", amount}), HasSubstr("write 1%, 64MiB or a number")) << amount;
  EXPECT_THAT(complaint({"--capacity", "0.1%"}), HasSubstr("holds nothing of this trace"));
  EXPECT_THAT(complaint({"--basis", "things"}), HasSubstr("write objects or bytes"));
  EXPECT_THAT(complaint({"--objective", "things"}), HasSubstr("write objects or bytes"));
  EXPECT_THAT(complaint({"--shards", "3"}), HasSubstr("write a power of two"));
}

}  // namespace
}  // namespace plimsoll
