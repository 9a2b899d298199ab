#include <weir/io/descriptor.hpp>

#include <app/terminal.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/child.hpp>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace weir::app {
namespace {

struct pipe_ends {
  pipe_ends() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) ADD_FAILURE() << "pipe2";
    out = descriptor(ends[0]);
    in = descriptor(ends[1]);
  }
  descriptor out;
  descriptor in;
};

TEST(terminal, a_line_is_written_whole_or_not_at_all) {
  const pipe_ends pipe;
  const std::string line(3000, 'x');
  std::size_t written = 0;
  while (write_line_or_skip(pipe.in.get(), line)) ++written;
  ASSERT_GT(written, 0u);

  std::string all(written * (line.size() + 1) + 1, '\0');
  std::size_t read = 0;
  for (ssize_t got = 0; (got = ::read(pipe.out.get(), all.data() + read, all.size() - read)) > 0;)
    read += static_cast<std::size_t>(got);
  EXPECT_EQ(read, written * (line.size() + 1)) << "part of a line was written";
  EXPECT_TRUE(write_line_or_skip(pipe.in.get(), line)) << "there is room again";
}

TEST(terminal, a_reader_that_left_is_no_reason_to_wait) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  pipe_ends pipe;
  pipe.out.reset();
  EXPECT_FALSE(write_line_or_skip(pipe.in.get(), "nobody reads this"));
  (void)std::signal(SIGPIPE, before);
}

TEST(terminal, colours_are_for_terminals_that_want_them) {
  const std::string seen = test::in_child([] {
    const descriptor terminal(::posix_openpt(O_RDWR | O_NOCTTY));
    const pipe_ends pipe;
    const auto asked = [&](const char* name, const char* value) {
      ::setenv("TERM", "xterm", 1);
      ::unsetenv("NO_COLOR");
      ::setenv(name, value, 1);
      return std::string(wants_colour(terminal.get()) ? "y" : "n") +
             (wants_colour(pipe.in.get()) ? "y" : "n");
    };
    return asked("TERM", "xterm") + " " + asked("TERM", "dumb") + " " + asked("NO_COLOR", "1");
  });
  EXPECT_EQ(seen, "yn nn nn");
}

} // namespace
} // namespace weir::app
