// Runs a program, marks each line that it writes with where it came from, and ends it when its time is over,
// first politely: `process_runner SECONDS PROGRAM [ARGUMENT...]`
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/os/process.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace weir;
using namespace std::chrono_literals;

/// Until the program and all who inherited the pipe have closed it.
task<result<std::string>> read_lines(pipe_end& from, std::string mark, std::FILE* to) {
  std::string text, unfinished;
  std::array<std::byte, 4096> bytes;
  for (;;) {
    result<std::size_t> got = co_await from.read_some(bytes);
    if (!got) co_return fail(got.error());
    unfinished.append(reinterpret_cast<const char*>(bytes.data()), *got);
    if (*got == 0 && !unfinished.empty()) unfinished += '\n';
    for (std::size_t end; (end = unfinished.find('\n')) != std::string::npos; unfinished.erase(0, end + 1)) {
      text += mark + unfinished.substr(0, end + 1);
      std::fprintf(to, "%s%s\n", mark.c_str(), unfinished.substr(0, end).c_str());
    }
    if (*got == 0) co_return text;
  }
}

task<result<exit_status>> end_in_time(process& child, std::chrono::nanoseconds time) {
  result<exit_status> ended = co_await with_deadline(time, child.wait());
  for (int signal : {SIGTERM, SIGKILL}) {
    if (ended || ended.error() != std::errc::timed_out) break;
    if (result<> sent = child.kill(signal); !sent) co_return fail(sent.error());
    ended = co_await with_deadline(1s, child.wait());
  }
  co_return ended;
}

struct program_run {
  std::string output, errors;
  exit_status ended;
};

task<result<program_run>> run_program(command what, std::chrono::nanoseconds time) {
  what.output = what.errors = redirection::pipe();
  result<process> child = process::spawn(what);
  if (!child) co_return fail(child.error()); // "spawn nothing: No such file or directory"
  auto [output, errors, ended] =
      co_await when_all(read_lines(child->output(), "out: ", stdout),
                        read_lines(child->errors(), "err: ", stderr), end_in_time(*child, time));
  if (!ended) co_return fail(ended.error());
  co_return program_run{output.value_or(""), errors.value_or(""), *ended};
}

int self_test(loop& on) {
  auto speaks = run(on, run_program(command("sh", {"-c", "echo one; echo two >&2; exit 3"}), 10s));
  auto sleeps = run(on, run_program(command("sleep", {"100"}), 10ms));
  const bool is_right = speaks && speaks->output == "out: one\n" && speaks->errors == "err: two\n" &&
                        speaks->ended.code() == 3 && sleeps && sleeps->ended.signal() == SIGTERM;
  return is_right ? 0 : 1;
}

int main(int argc, char** argv) {
  auto loop = loop::create();
  if (loop && argc == 2 && std::string_view(argv[1]) == "--self-test") return self_test(**loop);
  if (!loop || argc < 3)
    return std::fputs("usage: process_runner SECONDS PROGRAM [ARGUMENT...]\n", stderr), 2;
  const std::chrono::seconds time(std::atoi(argv[1]));
  auto outcome = run(**loop, run_program(command(argv[2], {argv + 3, argv + argc}), time));
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return outcome ? outcome->ended.code().value_or(128 + outcome->ended.signal().value_or(0)) : 1;
}
