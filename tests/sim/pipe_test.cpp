// Pipes of a simulated host, and what is spliced through them.
#include "sim/disk_file.hpp"
#include "sim_rig.hpp"

#include <weir/sim/disk.hpp>
#include <weir/sim/pipe.hpp>

#include <poll.h>

#include <climits>

namespace weir::sim {
namespace {

class pipe_test : public weir::test::sim_rig {
 protected:
  void SetUp() override {
    sim_rig::SetUp();
    ASSERT_EQ(calls().pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0);
  }
  system_calls& calls() { return server().calls(); }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }

  ssize_t write(std::string_view text) { return error_or(calls().write(writer(), text.data(), text.size())); }
  std::string read(std::size_t most) { return read_from(reader(), most); }
  std::string read_from(int number, std::size_t most) {
    std::string text(most, '?');
    const ssize_t got = error_or(calls().read(number, text.data(), text.size()));
    return got < 0 ? "error " + std::to_string(-got) : text.substr(0, static_cast<std::size_t>(got));
  }
  ssize_t splice(int from, int to, std::size_t bytes) { return error_or(calls().splice(from, to, bytes, 0)); }
  int ready(int number) {
    pollfd watched{number, POLLIN | POLLOUT, 0};
    (void)calls().poll(&watched, 1, 0);
    return watched.revents;
  }
  disk::handle file_of(std::string_view content) {
    disk::handle made;
    EXPECT_EQ(server().storage().open(nullptr, "/file", O_RDWR | O_CREAT, 0600, made), 0);
    const iovec piece{const_cast<char*>(content.data()), content.size()};
    EXPECT_EQ(server().storage().write_at(*made, 0, std::span(&piece, 1)),
              static_cast<std::int64_t>(content.size()));
    return made;
  }
  file& at(int number) { return *server().descriptors().find(number); }

 private:
  static ssize_t error_or(ssize_t outcome) { return outcome < 0 ? -errno : outcome; }

  int ends_[2] = {-1, -1};
};

TEST_F(pipe_test, gives_what_was_written_and_then_the_end) {
  EXPECT_EQ(read(5), "error " + std::to_string(EAGAIN));
  EXPECT_EQ(ready(reader()), 0);
  EXPECT_EQ(write("hello"), 5);
  EXPECT_EQ(ready(reader()), POLLIN);
  EXPECT_EQ(read(2), "he");
  calls().close(writer());
  EXPECT_EQ(ready(reader()), POLLIN | POLLHUP);
  EXPECT_EQ(read(9), "llo");
  EXPECT_EQ(read(9), "");
}

TEST_F(pipe_test, without_readers_is_broken) {
  calls().close(reader());
  EXPECT_EQ(ready(writer()), POLLOUT | POLLERR);
  EXPECT_EQ(write("x"), -EPIPE);
}

TEST_F(pipe_test, is_used_at_the_right_end_only) {
  EXPECT_EQ(read_from(writer(), 1), "error " + std::to_string(EBADF));
  EXPECT_EQ(calls().write(reader(), "x", 1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(pipe_test, takes_small_writes_whole_or_not_at_all) {
  const std::string most(65'536 - 10, '.');
  EXPECT_EQ(write(most), static_cast<ssize_t>(most.size()));
  EXPECT_EQ(ready(writer()), 0) << "less room than PIPE_BUF";
  EXPECT_EQ(write("eleven char"), -EAGAIN);
  EXPECT_EQ(write(std::string(PIPE_BUF + 1, '.')), 10) << "a larger one takes what room there is";
  EXPECT_EQ(write("x"), -EAGAIN);
}

TEST_F(pipe_test, has_a_capacity_that_is_not_less_than_what_it_holds) {
  EXPECT_EQ(calls().fcntl(writer(), F_GETPIPE_SZ, 0), 65'536);
  EXPECT_EQ(calls().fcntl(writer(), F_SETPIPE_SZ, 100'000), 100'000);
  EXPECT_EQ(write(std::string(90'000, '.')), 90'000);
  EXPECT_EQ(calls().fcntl(reader(), F_SETPIPE_SZ, 80'000), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(read(90'000).size(), 90'000u);
  EXPECT_EQ(calls().fcntl(reader(), F_SETPIPE_SZ, 1), PIPE_BUF);
}

TEST_F(pipe_test, is_filled_from_a_file_and_emptied_into_a_socket) {
  const std::string text = std::string(50'000, 'a') + std::string(50'000, 'b');
  disk_file content(file_of(text), O_RDONLY);
  EXPECT_EQ(sim::splice(server().storage(), {content, 40'000}, {at(writer())}, 200'000), 60'000);
  EXPECT_EQ(sim::splice(server().storage(), {content, 100'000}, {at(writer())}, 1), 0) << "its end";
  int sockets[2];
  ASSERT_EQ(calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
  EXPECT_EQ(splice(reader(), sockets[0], 15'000), 15'000);
  EXPECT_EQ(splice(reader(), sockets[0], 45'000), 45'000);
  EXPECT_EQ(splice(reader(), sockets[0], 1), -EAGAIN);
  EXPECT_TRUE(read_from(sockets[1], 100'000) == text.substr(40'000));
}

TEST_F(pipe_test, loses_nothing_to_a_socket_that_is_full) {
  int sockets[2];
  ASSERT_EQ(calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
  const std::string chunk(60'000, 's');
  ssize_t put = 0, all = 0;
  while ((put = calls().send(sockets[0], chunk.data(), chunk.size(), 0)) > 0) all += put;
  EXPECT_EQ(write("kept"), 4);
  EXPECT_EQ(splice(reader(), sockets[0], 4), -EAGAIN);
  EXPECT_EQ(read_from(sockets[1], static_cast<std::size_t>(all)).size(), static_cast<std::size_t>(all));
  EXPECT_EQ(splice(reader(), sockets[0], 9), 4);
  EXPECT_EQ(read_from(sockets[1], 9), "kept");
}

TEST_F(pipe_test, is_filled_from_a_socket_as_far_as_there_is_room) {
  int sockets[2];
  ASSERT_EQ(calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
  const std::string text(70'000, 't');
  ASSERT_EQ(calls().send(sockets[0], text.data(), text.size(), 0), 70'000);
  EXPECT_EQ(splice(sockets[1], writer(), 100'000), 65'536);
  EXPECT_EQ(splice(sockets[1], writer(), 100'000), -EAGAIN);
  EXPECT_EQ(read(70'000).size(), 65'536u);
  EXPECT_EQ(splice(sockets[1], writer(), 100'000), 70'000 - 65'536);
  calls().close(sockets[0]);
  EXPECT_EQ(splice(sockets[1], writer(), 1), 0) << "its end";
  EXPECT_EQ(splice(sockets[1], sockets[1], 1), -EINVAL) << "no pipe";
  calls().close(reader());
  EXPECT_EQ(splice(sockets[1], writer(), 1), -EPIPE);
}

TEST_F(pipe_test, is_emptied_into_a_file) {
  disk_file content(file_of("0123456789"), O_RDWR);
  EXPECT_EQ(write("abc"), 3);
  EXPECT_EQ(sim::splice(server().storage(), {at(reader())}, {content, 8}, 10), 3);
  std::string now(20, '?');
  const iovec piece{now.data(), now.size()};
  EXPECT_EQ(server().storage().read_at(*content.opened, 0, std::span(&piece, 1)), 11);
  EXPECT_EQ(now.substr(0, 11), "01234567abc");
}

} // namespace
} // namespace weir::sim
