// What systemd passes on. Each test is a child: its descriptors and its environment are its own.
#include <weir/runtime/systemd_sockets.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/child.hpp>
#include <support/sockets.hpp>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace weir::test {
namespace {

constexpr int first_passed = 100;

/// Two sockets in the places where systemd would put them.
void pass_two() {
  for (int i = 0; i < 2; ++i) ::dup2(listen_on(transport::tcp).socket.get(), first_passed + i);
}

void set_environment(const std::string& process, const char* count, const char* names) {
  ::setenv("LISTEN_PID", process.c_str(), 1);
  ::setenv("LISTEN_FDS", count, 1);
  if (names) ::setenv("LISTEN_FDNAMES", names, 1);
}

/// "http=100 admin=101"
std::string taken() {
  result<std::vector<named_socket>> sockets = take_systemd_sockets(first_passed);
  if (!sockets) return "error: " + sockets.error().message();
  std::string text;
  for (const named_socket& each : *sockets) {
    text += (text.empty() ? "" : " ") + each.name + "=" + std::to_string(each.socket.get());
    if ((::fcntl(each.socket.get(), F_GETFD) & FD_CLOEXEC) == 0) text += " inherited";
  }
  return text;
}

TEST(systemd_sockets, are_taken_by_name) {
  const std::string seen = in_child([] {
    pass_two();
    set_environment(std::to_string(::getpid()), "2", "http:admin");
    return taken();
  });
  EXPECT_EQ(seen, "http=100 admin=101");
}

TEST(systemd_sockets, may_have_no_names) {
  const std::string seen = in_child([] {
    pass_two();
    set_environment(std::to_string(::getpid()), "2", nullptr);
    return taken();
  });
  EXPECT_EQ(seen, "=100 =101");
}

TEST(systemd_sockets, of_another_process_are_left_alone) {
  const std::string seen = in_child([] {
    pass_two();
    set_environment(std::to_string(::getppid()), "2", "http:admin");
    return taken() + (::fcntl(first_passed, F_GETFD) >= 0 ? "left open" : "closed");
  });
  EXPECT_EQ(seen, "left open");
}

TEST(systemd_sockets, are_taken_once_and_not_by_children) {
  const std::string seen = in_child([] {
    pass_two();
    set_environment(std::to_string(::getpid()), "2", "http:admin");
    taken();
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
      if (std::getenv(name)) return std::string(name) + " is left";
    return taken();
  });
  EXPECT_EQ(seen, "");
}

TEST(systemd_sockets, that_are_not_open_are_an_error) {
  const std::string seen = in_child([] {
    set_environment(std::to_string(::getpid()), "1", "http");
    return taken();
  });
  EXPECT_EQ(seen, "error: LISTEN_FDS 100: Bad file descriptor");
}

TEST(systemd_sockets, what_cannot_be_understood_is_an_error_that_names_it) {
  for (const auto& [count, names, blamed] :
       {std::tuple("two", "a:b", "LISTEN_FDS two"), std::tuple("-1", "a", "LISTEN_FDS -1"),
        std::tuple("2000000", "a", "LISTEN_FDS"), std::tuple("2", "a", "LISTEN_FDNAMES a")}) {
    const std::string seen = in_child([&] {
      pass_two();
      set_environment(std::to_string(::getpid()), count, names);
      return taken();
    });
    EXPECT_TRUE(seen.starts_with("error: " + std::string(blamed))) << seen;
  }
}

TEST(systemd_sockets, are_none_without_systemd) {
  EXPECT_EQ(in_child(taken), "");
}

} // namespace
} // namespace weir::test
