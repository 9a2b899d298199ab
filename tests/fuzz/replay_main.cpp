// Runs a fuzz target over stored inputs: every file named on the command line, and every file in a folder
// named there. It stands in for libFuzzer's main in ordinary builds, so that each compiler and each test run
// replays the corpus.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> list_inputs(const fs::path& where) {
  if (!fs::is_directory(where)) return {where};
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(where)) {
    if (entry.is_regular_file()) inputs.push_back(entry.path());
  }
  return inputs;
}

void replay(const fs::path& input) {
  std::ifstream file(input, std::ios::binary);
  file.exceptions(std::ios::badbit | std::ios::failbit);
  // A heap block of exactly this size, so that a sanitizer sees the first byte read past the input.
  std::vector<char> content(fs::file_size(input));
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
}

} // namespace

int main(int argc, char** argv) try {
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& input : list_inputs(argv[i])) {
      replay(input);
      ++replayed;
    }
  }
  std::printf("%zu inputs replayed\n", replayed);
  // No input at all means a corpus that is missing or misnamed, which must not pass for a good run.
  return replayed > 0 ? 0 : 1;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
