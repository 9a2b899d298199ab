// Children that run the program of the tests (child_main.cpp), and what they write.
#pragma once

#include <weir/async/task.hpp>
#include <weir/os/process.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace weir::test {

/// What it writes is a pipe.
inline command child_that(std::vector<std::string> verb_and_arguments) {
  command made(WEIR_TEST_CHILD, std::move(verb_and_arguments));
  made.output = redirection::pipe();
  return made;
}

inline process spawned(const command& what) {
  result<process> child = process::spawn(what);
  EXPECT_TRUE(child) << child.error().message();
  return std::move(*child);
}

inline task<std::string> read_to_end(pipe_end& from) {
  std::string text;
  std::array<std::byte, 4096> bytes;
  for (;;) {
    result<std::size_t> got = co_await from.read_some(bytes);
    EXPECT_TRUE(got) << got.error().message();
    if (!got || *got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(bytes.data()), *got);
  }
}

inline task<std::string> output_of(command what) {
  process child = spawned(what);
  std::string text = co_await read_to_end(child.output());
  result<exit_status> end = co_await child.wait();
  EXPECT_TRUE(end && end->is_success());
  co_return text;
}

} // namespace weir::test
