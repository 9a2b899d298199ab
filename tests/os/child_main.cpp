// The child of the tests of os/, the same on every system: a verb and its arguments. Ends with 100 for what
// it does not know.
#include <support/processes.hpp>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace {

using arguments = std::span<char*>;

int number_in(const char* text) {
  return static_cast<int>(std::strtol(text, nullptr, 10));
}

void read_line() {
  for (int each = std::getchar(); each != EOF && each != '\n';) each = std::getchar();
}

int copy_input() {
  std::array<char, 4096> bytes;
  while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), stdin))
    if (std::fwrite(bytes.data(), 1, got, stdout) != got || std::fflush(stdout) != 0) return 1;
  return 0;
}

int carry_out(std::string_view verb, arguments words) {
  if (verb == "exit") return number_in(words[0]);
  if (verb == "wait") std::this_thread::sleep_for(std::chrono::hours(1));
  if (verb == "cat") return copy_input();
  if (verb == "read-and-exit") {
    read_line();
    return number_in(words[0]);
  }
  if (verb == "say") { // to output and errors
    std::printf("%s\n", words[0]);
    if (words.size() > 1) std::fprintf(stderr, "%s\n", words[1]);
    return 0;
  }
  if (verb == "echo") { // a line each
    for (const char* each : words) std::printf("%s\n", each);
    return 0;
  }
  if (verb == "tell") { // variables of the environment, then the directory
    for (const char* each : words) {
      const char* const value = std::getenv(each);
      std::printf("%s\n", value ? value : "none");
    }
    std::printf("%s\n", std::filesystem::current_path().string().c_str());
    return 0;
  }
  if (verb == "is-given") {
    std::printf("%s\n", weir::test::is_given(number_in(words[0])) ? "given" : "not given");
    return 0;
  }
  if (verb == "write") { // to descriptors, each a text
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
      const std::string_view text = words[i + 1];
      if (::write(number_in(words[i]), text.data(), static_cast<unsigned>(text.size())) < 0) return 1;
    }
    return 0;
  }
  return 100;
}

} // namespace

int main(int count, char** words) {
  weir::test::make_streams_binary();
  const arguments all(words, static_cast<std::size_t>(count));
  return count < 2 ? 100 : carry_out(all[1], all.subspan(2));
}
