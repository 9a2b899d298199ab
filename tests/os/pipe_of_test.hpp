// A pipe for tests, used with plain system calls: the descriptor of a library that knows nothing of weir.
#pragma once

#include <weir/io/descriptor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace weir::test {

struct pipe_of_test {
  pipe_of_test() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader = descriptor(ends[0]);
    writer = descriptor(ends[1]);
  }

  void put(std::string_view text) const {
    EXPECT_EQ(::write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// What is there, at most `bytes_max`.
  std::string take(std::size_t bytes_max = 4096) const {
    std::string text(bytes_max, '\0');
    const ssize_t got = ::read(reader.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  /// Until the pipe takes no more.
  void fill() const {
    const std::string page(4096, 'x');
    while (::write(writer.get(), page.data(), page.size()) > 0) {
    }
  }

  descriptor reader;
  descriptor writer;
};

} // namespace weir::test
