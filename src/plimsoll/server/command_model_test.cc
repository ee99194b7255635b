// Random commands against a map that does the same the obvious way: every reply is compared.
#include <algorithm>
#include <map>
#include <optional>

#include "plimsoll/base/random.h"
#include "plimsoll/server/internal/command_fixture.h"

namespace plimsoll {
namespace {

using Words = std::vector<std::string>;

std::string integer(std::int64_t number) { return ":" + std::to_string(number) + "\r\n"; }
const std::string kNull = "$-1\r\n";
const std::string kOk = "+OK\r\n";

class Model {
 public:
  std::string run(const Words& words, std::int64_t now_ms) {
    std::erase_if(keys_, [&](const auto& key) { return key.second.end >= 0 && now_ms > key.second.end; });
    const std::string& name = words[0];
    if (name == "mget") return mget(words);
    if (name == "mset") {
      for (std::size_t i = 1; i < words.size(); i += 2) keys_[words[i]] = {words[i + 1]};
      return kOk;
    }
    if (name == "del" || name == "exists") return count(words);
    auto found = keys_.find(words[1]);
    Item* item = found == keys_.end() ? nullptr : &found->second;
    if (name == "set") return set(words, item, now_ms);
    if (name == "get") return value_of(item);
    if (name == "strlen") return integer(item ? std::int64_t(item->value.size()) : 0);
    if (name == "append") return integer(std::int64_t((keys_[words[1]].value += words[2]).size()));
    if (name == "setrange") return setrange(words);
    if (name == "getrange") return getrange(words, item);
    if (name == "incrby") return incrby(words);
    if (name == "getdel" || name == "getset") {
      std::string reply = value_of(item);
      if (item != nullptr) keys_.erase(words[1]);
      if (name == "getset") keys_[words[1]] = {words[2]};
      return reply;
    }
    if (name == "pexpire") return pexpire(words, item, now_ms);
    if (name == "persist") return integer(item && std::exchange(item->end, -1) >= 0 ? 1 : 0);
    if (name == "pttl") return integer(!item ? -2 : item->end < 0 ? -1 : item->end - now_ms);
    ADD_FAILURE() << name;
    return "";
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, item] : keys_) names.push_back(name);
    return names;
  }

 private:
  struct Item {
    std::string value;
    std::int64_t end = -1;
  };

  static std::string value_of(const Item* item) { return item ? bulk_of(item->value) : kNull; }

  std::string mget(const Words& words) {
    std::string reply = "*" + std::to_string(words.size() - 1) + "\r\n";
    for (std::size_t i = 1; i < words.size(); ++i) {
      auto found = keys_.find(words[i]);
      reply += value_of(found == keys_.end() ? nullptr : &found->second);
    }
    return reply;
  }
  std::string count(const Words& words) {
    std::int64_t count = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
      count += std::int64_t(words[0] == "del" ? keys_.erase(words[i]) : keys_.count(words[i]));
    }
    return integer(count);
  }
  std::string set(const Words& words, Item* item, std::int64_t now_ms) {
    const auto has = [&](const char* word) {
      return std::find(words.begin() + 3, words.end(), word) != words.end();
    };
    const std::string old = value_of(item);
    const bool writes = !(has("nx") && item) && !(has("xx") && !item);
    if (writes) {
      const std::int64_t kept = has("keepttl") && item ? item->end : -1;
      const std::int64_t end = has("px") ? now_ms + std::stoll(words.back()) : kept;
      keys_[words[1]] = {words[2], end};
    }
    if (has("get")) return old;
    return writes ? kOk : kNull;
  }
  std::string setrange(const Words& words) {
    const std::size_t at = std::stoul(words[2]);
    if (words[3].empty())
      return integer(keys_.count(words[1]) ? std::int64_t(keys_[words[1]].value.size()) : 0);
    std::string& value = keys_[words[1]].value;
    value.resize(std::max(value.size(), at + words[3].size()));
    value.replace(at, words[3].size(), words[3]);
    return integer(std::int64_t(value.size()));
  }
  static std::string getrange(const Words& words, const Item* item) {
    if (!item) return bulk_of("");
    const std::int64_t size = std::int64_t(item->value.size());
    std::int64_t first = std::stoll(words[2]), last = std::stoll(words[3]);
    if (first < 0) first = std::max<std::int64_t>(0, size + first);
    if (last < 0) last = size + last;
    if (std::stoll(words[2]) < 0 && std::stoll(words[3]) < 0 && std::stoll(words[2]) > std::stoll(words[3])) {
      return bulk_of("");
    }
    last = std::min(std::max<std::int64_t>(last, 0), size - 1);
    std::string part;
    for (std::int64_t i = first; i <= last; ++i) part += item->value[std::size_t(i)];
    return bulk_of(part);
  }
  std::string incrby(const Words& words) {
    auto found = keys_.find(words[1]);
    std::int64_t number = 0;
    if (found != keys_.end()) {
      const std::string& value = found->second.value;
      try {
        number = std::stoll(value);
      } catch (...) {
        return "-ERR value is not an integer or out of range\r\n";
      }
      if (std::to_string(number) != value) return "-ERR value is not an integer or out of range\r\n";
    }
    number += std::stoll(words[2]);
    keys_[words[1]].value = std::to_string(number);
    return integer(number);
  }
  std::string pexpire(const Words& words, Item* item, std::int64_t now_ms) {
    if (!item) return integer(0);
    const std::string condition = words.size() > 3 ? words[3] : "";
    const std::int64_t end = now_ms + std::stoll(words[2]);
    const bool had = item->end >= 0;
    if (condition == "nx" && had) return integer(0);
    if (condition == "xx" && !had) return integer(0);
    if (condition == "gt" && (!had || end <= item->end)) return integer(0);
    if (condition == "lt" && had && end >= item->end) return integer(0);
    if (end <= now_ms) {
      keys_.erase(words[1]);
    } else {
      item->end = end;
    }
    return integer(1);
  }

  std::map<std::string, Item> keys_;
};

class RandomCommands {
 public:
  explicit RandomCommands(std::uint64_t seed) : random_(seed) {}

  Words next() {
    switch (random_.below(18)) {
      case 0:
      case 1:
        return set();
      case 2:
        return {"get", key()};
      case 3:
        return {"getset", key(), value()};
      case 4:
        return {"getdel", key()};
      case 5:
        return {"append", key(), value()};
      case 6:
        return {"setrange", key(), std::to_string(random_.below(30'000)), value()};
      case 7:
        return {"getrange", key(), index(), index()};
      case 8:
      case 9:
        return {"incrby", key(), std::to_string(random_.below(1000))};
      case 10:
        return {"del", key(), key(), key()};
      case 11:
        return {"exists", key(), key(), key()};
      case 12:
      case 13:
        return pexpire();
      case 14:
        return {"persist", key()};
      case 15:
        return {"pttl", key()};
      case 16:
        return {"mget", key(), key(), key()};
      default:
        return random_.below(2) == 0 ? Words{"mset", key(), value(), key(), value()} : Words{"strlen", key()};
    }
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  std::string key() { return "key" + std::to_string(random_.below(60)); }
  std::string index() { return std::to_string(static_cast<std::int64_t>(random_.below(90'000)) - 45'000); }
  std::string value() {
    const std::uint64_t kind = random_.below(20);
    if (kind == 0) return "";
    if (kind < 8) return std::to_string(static_cast<std::int64_t>(random_.below(2'000'000)) - 1'000'000);
    const std::size_t size = kind == 8 ? 10'000 + random_.below(60'000) : 1 + random_.below(200);
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    return bytes;
  }
  Words set() {
    Words words = {"set", key(), value()};
    const std::uint64_t condition = random_.below(6);
    if (condition < 2) words.push_back(condition == 0 ? "nx" : "xx");
    if (random_.below(4) == 0) words.push_back("get");
    const std::uint64_t expiry = random_.below(4);
    if (expiry == 0) words.push_back("keepttl");
    if (expiry == 1) words.insert(words.end(), {"px", std::to_string(1 + random_.below(2'000))});
    return words;
  }
  Words pexpire() {
    static constexpr const char* kConditions[] = {"nx", "xx", "gt", "lt"};
    Words words = {"pexpire", key(), std::to_string(static_cast<std::int64_t>(random_.below(3'000)) - 100)};
    const std::uint64_t condition = random_.below(6);
    if (condition < 4) words.push_back(kConditions[condition]);
    return words;
  }

  Random random_;
};

std::vector<std::string> sorted_keys(CommandFixture& f) {
  std::vector<std::string> names;
  const std::string reply = f.run("keys *");
  for (std::size_t at = reply.find('$'); at < reply.size(); at = reply.find('$', at)) {
    at = reply.find("\r\n", at) + 2;
    names.push_back(reply.substr(at, reply.find("\r\n", at) - at));
  }
  std::sort(names.begin(), names.end());
  return names;
}

class CommandModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(CommandModel, AnswersEveryCommandAsTheMapDoes) {
  CommandFixture f(256_MiB);
  Model model;
  RandomCommands commands(GetParam());
  for (int step = 0; step < 20'000; ++step) {
    const Words words = commands.next();
    const std::vector<std::string_view> args(words.begin(), words.end());
    f.now_ms += static_cast<std::int64_t>(commands.below(8));
    const std::string expected = model.run(words, f.now_ms);
    const std::string answer = f.run(args);
    ASSERT_EQ(answer == expected, true)
        << "step " << step << ": " << words[0] << ' ' << words[1] << " answered " << answer.substr(0, 100)
        << ", not " << expected.substr(0, 100);
    if (step % 1'000 == 0) {
      model.run({"get", ""}, f.now_ms);
      ASSERT_EQ(sorted_keys(f), model.names()) << "step " << step;
      f.cache.CheckInvariants();
    }
  }
  EXPECT_EQ(f.cache.stats().evicted, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CommandModel, testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace plimsoll
