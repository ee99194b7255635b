// What the tests of commands stand on: a cache, a server that says what the test wants, and a client whose
// replies are kept as they would be sent.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plimsoll/os/pages.h"
#include "plimsoll/server/command.h"
#include "plimsoll/wire/glob.h"

namespace plimsoll {

class RecordedReply final : public Reply {
 public:
  void raw(std::string_view bytes) override { text += bytes; }
  void value(PinnedValue value) override {
    bulk_header(value.view().size());
    text += value.view();
    text += "\r\n";
    pinned.push_back(std::move(value));
  }

  std::string text;
  std::vector<PinnedValue> pinned;  // as a client that has not read yet
};

class FakeServer final : public ServerFacts {
 public:
  explicit FakeServer(Account& scratch_account) : scratch_(scratch_account) {}

  std::string info(std::string_view section) const override {
    return "# " + std::string(section) + "\r\n" + (section == "default" ? usual : "");
  }
  std::vector<std::string> client_lines() const override { return lines; }
  std::string_view password() const override { return secret; }
  std::vector<std::pair<std::string, std::string>> config_get(std::string_view glob) const override {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& setting : settings) {
      if (glob_matches(glob, setting.first, GlobCase::kIgnore)) found.emplace_back(setting);
    }
    return found;
  }
  std::string config_set(std::string_view name, std::string_view value) override {
    if (value == "bad") return "argument must be good";
    settings[std::string(name)] = value;
    return "";
  }
  void reset_stats() override { ++resets; }
  Account& scratch() override { return scratch_; }
  void alone(const std::function<void()>& run) override {
    if (before_alone) std::exchange(before_alone, nullptr)();
    run();
  }
  void several(Several what, const std::function<void()>& run) override {
    pieces.push_back(what);
    run();
  }
  void each_session(const std::function<void(const Session&)>& visit) override {
    for (const Session* session : sessions) visit(*session);
  }
  std::size_t close_sessions(const std::function<bool(const Session&)>& chosen) override {
    std::size_t count = 0;
    for (const Session* session : sessions) count += chosen(*session) ? 1 : 0;
    closed += count;
    return count;
  }
  Charge charge_transaction(Bytes bytes) override { return scratch_.charge(bytes); }
  Bytes transaction_maximum() const override { return 1_MiB; }
  MemoryFigures memory_figures() const override { return figures; }
  std::string memory_advice() const override { return "all is well\n"; }
  std::string memory_table() const override { return "cache 1 MiB\n"; }
  void purge_memory() override { ++purges; }

  std::string secret;
  std::string usual;  // sections of INFO beside "default"
  std::vector<std::string> lines;
  std::map<std::string, std::string> settings = {{"maxmemory", "0"}, {"maxmemory-policy", "allkeys-lru"}};
  int resets = 0;
  int purges = 0;
  std::size_t closed = 0;
  std::vector<Several> pieces;  // that several() was asked for
  MemoryFigures figures;
  std::vector<const Session*> sessions;
  std::function<void()> before_alone;  // of another client, who was alone first; once

 private:
  Account& scratch_;
};

// A command and what Redis 7.0.15 answers to it.
struct Step {
  std::string_view command;
  std::string_view reply;
};

struct CommandFixture {
  explicit CommandFixture(Bytes limit = 64_MiB, bool evict = true)
      : line({.limit = limit}),
        account(line.open({.name = "cache", .kind = AccountKind::kDroppable, .guarantee = {}})),
        others(line.open({.name = "others", .kind = AccountKind::kPinned, .guarantee = {}})),
        cache({.account = account,
               .pages = pages,
               .line = line.line(),
               .address_space = limit * 16,
               .shards = 4,
               .policy = PolicyKind::kLru,
               .evict = evict,
               .seed = 7,
               .group_of = &Databases::group_of}),
        server(others) {
    session.id = 4;
    server.sessions = {&session};
  }

  // Words at blanks; 'one word' in quotes.
  static std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
      const bool quoted = text.front() == '\'';
      if (quoted) text.remove_prefix(1);
      const std::size_t end = std::min(text.find(quoted ? '\'' : ' '), text.size());
      words.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (quoted && !text.empty()) text.remove_prefix(1);
    }
    return words;
  }

  std::string run(std::span<const std::string_view> args, std::span<ExtentRef> bodies = {}) {
    return run_as(session, args, bodies);
  }
  std::string run_as(Session& client, std::span<const std::string_view> args,
                     std::span<ExtentRef> bodies = {}) {
    RecordedReply reply;
    reply.set_protocol(client.protocol);
    CommandContext context{.args = args,
                           .bodies = bodies,
                           .reply = reply,
                           .cache = cache,
                           .databases = databases,
                           .server = server,
                           .session = client,
                           .now_ms = now_ms,
                           .default_ttl_ms = default_ttl_ms,
                           .pace = pace};
    EXPECT_EQ(run_command(context), Progress::kDone);
    return reply.text;
  }
  std::string run(std::string_view command) { return run(words_of(command)); }
  std::string run_as(Session& client, std::string_view command) { return run_as(client, words_of(command)); }
  std::string run(std::initializer_list<std::string_view> args) {
    return run(std::span<const std::string_view>(args.begin(), args.size()));
  }

  void expect(std::initializer_list<Step> steps) {
    for (const Step& step : steps) EXPECT_EQ(run(step.command), step.reply) << "to: " << step.command;
    cache.CheckInvariants();
  }

  // An argument that came in pages of its own.
  ExtentRef body(std::string_view bytes) {
    Result<ExtentRef> extent = cache.extents().open(bytes.size(), others);
    EXPECT_TRUE(extent && (*extent)->reserve(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), (*extent)->data());
    (*extent)->set_size(bytes.size());
    return std::move(*extent);
  }

  SystemPages pages;
  LoadLine line;
  Account& account;
  Account& others;
  ByteCache cache;
  Databases databases;
  FakeServer server;
  Session session;
  std::int64_t now_ms = 1'700'000'000'000;
  std::int64_t default_ttl_ms = 0;
  Pace* pace = nullptr;
};

inline std::string bulk_of(std::string_view bytes) {
  return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
}

}  // namespace plimsoll
