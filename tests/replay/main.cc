// The main of an ordinary program around a fuzz target: runs it once on each file of the folders named, and
// on seeded random bytes.
//
// So the corpus, and with it every input that ever broke the target, is a test in every build, without
// libFuzzer; and a target that reads its input as a sequence of operations tries some hundred of them.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "plimsoll/base/random.h"
#include "plimsoll/base/sanitized.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// What is printed last names the input if the call aborts.
template <typename... Arguments>
void run(const std::vector<std::uint8_t>& bytes, const char* format, Arguments... arguments) {
  std::printf(format, arguments...);
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::error_code absent;  // a target need not have a corpus
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], absent)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
      run({text.begin(), text.end()}, "%s\n", entry.path().c_str());
    }
  }
  for (std::uint64_t seed = 0; seed < 400; seed += plimsoll::kBrief ? 5 : 1) {
    plimsoll::Random random(seed);
    std::vector<std::uint8_t> bytes(random.below(8 + 2 * seed));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    run(bytes, "seed %llu\n", static_cast<unsigned long long>(seed));
  }
  return 0;
}
