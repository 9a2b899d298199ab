// The child of the tests of os/, the same on every system: a verb and its arguments. Ends with 100 for what
// it does not know.
#include <weir/async/run.hpp>
#include <weir/os/signal_set.hpp>

#include <support/processes.hpp>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
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

int interrupt_and_wait(weir::loop& on) {
  auto wanted = weir::signal_set::open({SIGINT});
  if (!wanted) return 1;
  if (const std::string reason = weir::test::interrupt_this_process(); !reason.empty()) {
    std::printf("not interrupted: %s\n", reason.c_str());
    return 0;
  }
  const auto told = weir::run(on, wanted->next());
  if (told) std::printf("told of %d\n", told->number);
  return told ? 0 : 1;
}

int carry_out_with_signals(std::string_view verb) {
  if (verb == "interrupted") {
    auto on = weir::loop::create();
    return on ? interrupt_and_wait(**on) : 1;
  }
  if (verb == "raise-before-set-goes" || verb == "raise-after-set") {
    {
      const auto wanted = weir::signal_set::open({SIGTERM});
      if (!wanted) return 1;
      if (verb == "raise-before-set-goes") weir::test::send_to_this_process(SIGTERM);
    }
    if (verb == "raise-after-set") weir::test::send_to_this_process(SIGTERM);
    std::printf("alive\n");
    return 0;
  }
  return 100;
}

int carry_out(std::string_view verb, arguments words) {
  if (verb == "exit") return number_in(words[0]);
  if (verb == "wait") std::this_thread::sleep_for(std::chrono::hours(1));
  if (verb == "crash") weir::test::crash();
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
  return carry_out_with_signals(verb);
}

} // namespace

int main(int count, char** words) {
  weir::test::prepare_child();
  const arguments all(words, static_cast<std::size_t>(count));
  return count < 2 ? 100 : carry_out(all[1], all.subspan(2));
}
