#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "plimsoll/cli/run_test.h"
#include "plimsoll/server/settings.h"

namespace plimsoll {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// A file of settings of its own.
class ConfigVerb : public testing::Test {
 protected:
  ConfigVerb() { ::close(::mkstemp(path_.data())); }
  ~ConfigVerb() override { ::unlink(path_.c_str()); }

  void write(const std::string& text) {
    std::FILE* file = std::fopen(path_.c_str(), "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }

  std::string path_ = "/tmp/plimsoll_config_XXXXXX";
};

TEST_F(ConfigVerb, ShowsEachSettingWithWhoSaidIt) {
  write("# ours\npolicy = \"lru\"\npassword = \"hunter2\"\n");
  const Outcome shown = run({"config", "show", "--origin", "--config", path_.c_str(), "--partitions", "9"},
                            {"PLIMSOLL_LOG_LEVEL=error"});
  EXPECT_EQ(shown.code, kDone) << shown.err;
  EXPECT_THAT(shown.out, ContainsRegex("\npolicy +lru +" + path_ + ":2\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\npassword +.set. +" + path_ + ":3\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\npartitions +9 +--partitions\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\nlog_level +error +PLIMSOLL_LOG_LEVEL\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\nresp_port +6379 +default\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\nloops +[0-9]+ +found: one a core\n"));
  EXPECT_THAT(shown.out, Not(HasSubstr("hunter2")));
  for (const SettingKey& key : setting_keys()) EXPECT_THAT(shown.out, HasSubstr(std::string(key.name) + " "));
}

TEST_F(ConfigVerb, SaysWhenEverybodyCanReadThePassword) {
  write("password = \"hunter2\"\n");
  ::chmod(path_.c_str(), 0644);
  const Outcome open = run({"config", "check", path_.c_str()});
  EXPECT_EQ(open.code, kDone);
  EXPECT_THAT(open.err, HasSubstr("every user of this machine may read it: chmod o-r " + path_));
  ::chmod(path_.c_str(), 0640);
  EXPECT_THAT(run({"config", "check", path_.c_str()}).err, IsEmpty());
  write("remote_level = \"redis://cache.example\"\n");
  ::chmod(path_.c_str(), 0644);
  EXPECT_THAT(run({"config", "check", path_.c_str()}).err, IsEmpty()) << "an address is no secret";
  write("remote_level = \"redis://:hunter2@cache.example\"\n");
  EXPECT_THAT(run({"config", "check", path_.c_str()}).err, HasSubstr("has a password in it"));
}

TEST_F(ConfigVerb, ShowsNoOriginsUnlessAskedFor) {
  const Outcome shown = run({"config", "show"});
  EXPECT_THAT(shown.out, ContainsRegex("\nresp_port +6379\n"));
  EXPECT_THAT(shown.out, Not(HasSubstr("default\n")));
}

TEST_F(ConfigVerb, ShowsOneObjectForPrograms) {
  const Outcome shown = run({"config", "show", "--json", "--line", "1GiB", "--loops", "3"});
  EXPECT_THAT(shown.out, HasSubstr("{\"name\":\"line\",\"value\":\"1GiB\",\"origin\":\"flag\","
                                   "\"source\":\"--line\",\"live\":false}"));
  EXPECT_THAT(shown.out, HasSubstr("{\"name\":\"loops\",\"value\":\"3\",\"origin\":\"flag\""));
}

TEST_F(ConfigVerb, ShowSaysWhatServeWouldSayOfFaults) {
  const Outcome shown = run({"config", "show", "--loops", "many"});
  EXPECT_EQ(shown.code, kFailed);
  EXPECT_THAT(shown.out, IsEmpty());
  EXPECT_EQ(shown.err, run({"serve", "--loops", "many"}).err);
}

TEST_F(ConfigVerb, CheckTellsEveryFaultWithItsLineAndFails) {
  write("line = 512MiB\nresp_prot = 1\nbind = \"0.0.0.0\"\n\npolicy = \"mru\"\n");
  const Outcome checked = run({"config", "check", path_.c_str()});
  EXPECT_EQ(checked.code, kFailed);
  EXPECT_THAT(checked.out, StartsWith(path_ + ":1: this is not TOML: "));
  EXPECT_THAT(checked.out, HasSubstr("; write line = \"512MiB\"\n"));
  EXPECT_THAT(checked.out,
              HasSubstr("\n" + path_ + ":2: there is no key resp_prot; did you mean resp_port?\n"));
  EXPECT_THAT(checked.out, HasSubstr("\n" + path_ + ":5: policy = \"mru\": write lru"));
  EXPECT_THAT(checked.out, HasSubstr("\n" + path_ + ":3: bind = \"0.0.0.0\" lets other machines connect"));
  EXPECT_EQ(checked.err, "plimsoll: config check: " + path_ + ": 4 faults\n");
}

TEST_F(ConfigVerb, CheckSaysWhatItChecked) {
  write("line = \"512MiB\"\npolicy = \"lru\"\n");
  const Outcome checked = run({"config", "check", path_.c_str()}, {"PLIMSOLL_LOOPS=many"});
  EXPECT_EQ(checked.code, kDone) << "the environment is none of its business";
  EXPECT_THAT(checked.out,
              StartsWith(path_ + ": no faults. Checked: that it is TOML, the names and values of "
                                 "its 2 settings"));
  EXPECT_THAT(checked.out, HasSubstr("Not checked: "));
  EXPECT_EQ(run({"config", "check", "--config", path_.c_str()}).out, checked.out);
}

TEST_F(ConfigVerb, SaysWhatItCanDoWhereItIsNotTold) {
  EXPECT_EQ(run({"config"}).err, "plimsoll: config: say what to do: show, or check FILE\n");
  EXPECT_EQ(run({"config", "mend"}).code, kWrongUsage);
  EXPECT_EQ(run({"config", "chek", "x"}).err, "plimsoll: config: there is no chek; did you mean check?\n");
  EXPECT_THAT(run({"config", "show", "x.toml"}).err, HasSubstr("--config FILE"));
  EXPECT_THAT(run({"config", "check"}).err, HasSubstr("which file?"));
  EXPECT_THAT(run({"config", "check", "x.toml", "--line", "1GiB"}).err, HasSubstr("without --line"));
  const Outcome missing = run({"config", "check", "/no/such.toml"});
  EXPECT_EQ(missing.code, kFailed);
  EXPECT_THAT(missing.out, StartsWith("/no/such.toml: "));
}

}  // namespace
}  // namespace plimsoll
