// Replays the fuzzers' corpora, so that what they once found, or a hand once wrote, is tried in every test
// run.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plimsoll/wire/internal/glob_fuzz.h"
#include "plimsoll/wire/internal/http_fuzz.h"
#include "plimsoll/wire/internal/kafka_fuzz.h"
#include "plimsoll/wire/internal/resp_decoder_fuzz.h"
#include "plimsoll/wire/internal/resp_reply_fuzz.h"

namespace plimsoll {
namespace {

using Target = void (*)(std::span<const std::uint8_t>);

void replay(const std::string& name, Target target) {
  const std::filesystem::path folder = std::string(PLIMSOLL_SOURCE_DIR) + "/src/plimsoll/wire/corpus/" + name;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    target(bytes);
    if (!bytes.empty()) {  // and cut in other ways than the file asks for
      for (const std::uint8_t cut : std::array<std::uint8_t, 4>{0, 1, 2, 9}) {
        bytes[0] = cut;
        target(bytes);
      }
    }
    ++files;
  }
  EXPECT_GE(files, 10u) << folder;
}

TEST(Corpus, OfTheRespDecoderHolds) { replay("resp_decoder", detail::fuzz_resp_decoder); }
TEST(Corpus, OfTheRespReplyScannerHolds) { replay("resp_reply", detail::fuzz_resp_reply); }
TEST(Corpus, OfHttpHolds) { replay("http", detail::fuzz_http); }
TEST(Corpus, OfGlobHolds) { replay("glob", detail::fuzz_glob); }
TEST(Corpus, OfKafkaRequestsHolds) { replay("kafka_request", kafka::detail::fuzz_kafka_request); }
TEST(Corpus, OfKafkaResponsesHolds) { replay("kafka_response", kafka::detail::fuzz_kafka_response); }

}  // namespace
}  // namespace plimsoll
