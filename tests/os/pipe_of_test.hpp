// A pipe for tests, used with plain system calls: the descriptor of a library that knows nothing of weir.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/system_calls.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::test {

struct pipe_of_test {
  pipe_of_test() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(calls().pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader = descriptor(ends[0]);
    writer = descriptor(ends[1]);
  }

  void put(std::string_view text) const {
    EXPECT_EQ(calls().write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// What is there, at most `bytes_max`.
  std::string take(std::size_t bytes_max = 4096) const {
    std::string text(bytes_max, '\0');
    const ssize_t got = calls().read(reader.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  /// Until the pipe takes no more.
  void fill() const {
    const std::string page(4096, 'x');
    while (calls().write(writer.get(), page.data(), page.size()) > 0) {
    }
  }

  descriptor reader;
  descriptor writer;
};

/// Why a file cannot be given a number of one's choice; empty where it can.
inline std::string why_no_chosen_number() {
  const pipe_of_test any;
  const descriptor copy(calls().fcntl(any.reader.get(), F_DUPFD_CLOEXEC, 0));
  return copy ? "" : std::string("fcntl(F_DUPFD_CLOEXEC): ") + std::strerror(errno);
}

/// Why nothing tells that a pipe has room.
inline std::string why_no_writable_pipe() {
  const pipe_of_test any;
  pollfd asked{};
  asked.fd = static_cast<decltype(asked.fd)>(any.writer.get());
  asked.events = POLLOUT;
  if (calls().poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0) return "";
  return "poll(POLLOUT) of a pipe tells nothing";
}

} // namespace weir::test
