// A master under a service manager: what it is given, and what it says.
#include <weir/os/readiness.hpp>

#include <support/child.hpp>
#include <support/test_workers.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

namespace weir::test {
namespace {

class master_systemd_test : public master_fixture {
 protected:
  void SetUp() override {
    master_fixture::SetUp();
    const std::string name = "weir-master-" + std::to_string(::getpid());
    const address at = *address::unix_abstract(name);
    manager_ = descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(::bind(manager_.get(), at.raw(), at.raw_bytes()), 0);
    ::setenv("NOTIFY_SOCKET", at.to_string().c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) ::unsetenv(name);
    lose_manager();
    master_fixture::TearDown();
  }
  void lose_manager() { manager_.reset(); }
  /// The next message of the master, to its first newline and the status.
  task<std::string> told() {
    std::array<char, 1000> bytes;
    ssize_t got = -1;
    while (got < 0) {
      result<> ready = co_await readable(manager_.get());
      if (!ready) break;
      got = ::recv(manager_.get(), bytes.data(), bytes.size(), 0);
    }
    const std::string text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    const std::size_t status = text.find("\nSTATUS=");
    const std::string first = text.substr(0, text.find('\n'));
    co_return status == std::string::npos ? first : first + ": " + text.substr(status + 8);
  }

 private:
  descriptor manager_;
};

TEST_P(master_systemd_test, tells_when_it_is_ready_reloads_and_stops) {
  create(options_for("echo", 2));
  const result<> outcome = beside_master([&]() -> task<> {
    const std::string at_first = co_await told();
    EXPECT_EQ(at_first, "READY=1: 2 workers serve");
    ::kill(::getpid(), SIGHUP);
    const std::string then = co_await told();
    EXPECT_EQ(then, "RELOADING=1: reloads");
    const std::string behind = co_await told();
    EXPECT_EQ(behind, "READY=1: 2 workers serve");
    boss().drain();
    const std::string at_last = co_await told();
    EXPECT_EQ(at_last, "STOPPING=1: drains");
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(count(worker_event_kind::manager_lost), 0u);
}

TEST_P(master_systemd_test, says_that_it_is_alive_as_often_as_it_is_asked_to) {
  ::setenv("WATCHDOG_USEC", "20000", 1);
  create(options_for("echo"));
  const result<> outcome = beside_master([&]() -> task<> {
    for (int alive = 0; alive < 3;) {
      const std::string text = co_await told();
      alive += text == "WATCHDOG=1";
    }
  });
  EXPECT_TRUE(outcome);
}

TEST_P(master_systemd_test, a_manager_that_is_gone_is_reported_and_does_no_harm) {
  create(options_for("echo"));
  lose_manager();
  const result<> outcome = beside_master([&]() -> task<> {
    co_await wait_for(worker_event_kind::manager_lost);
    served_client client = co_await join_workers(at());
    EXPECT_GT(client.process, 0);
  });
  EXPECT_TRUE(outcome);
}

INSTANTIATE_TEST_SUITE_P(backends, master_systemd_test, with_each_loop(), name_of_backend);

// --- sockets that systemd opened; in a child, whose descriptors and environment are its own ---

std::string created_with(const char* passed_name) {
  return in_child([passed_name] {
    const listening_socket socket = listen_on(transport::tcp);
    constexpr int place = 3;
    if (socket.socket.get() != place) ::dup2(socket.socket.get(), place);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", passed_name, 1);
    const address expected = *address::local_of(place);
    const auto made = master::create(workers_of("echo", 2, backend::automatic));
    if (!made) return made.error().message();
    const result<address> at = (*made)->local_address("echo");
    return std::string(at && at->to_string() == expected.to_string() ? "taken" : "another socket");
  });
}

TEST(master_sockets, that_systemd_passed_are_taken_by_name) {
  EXPECT_EQ(created_with("echo"), "taken");
}

TEST(master_sockets, that_nobody_wants_are_an_error) {
  EXPECT_TRUE(created_with("http").starts_with("systemd passed a socket that nobody wants 'http'"))
      << created_with("http");
}

TEST(master_sockets, have_names_that_can_be_told_apart) {
  for (const char* name : {"", "a:b"}) {
    master_options options = workers_of("echo", 1, backend::automatic);
    options.sockets.front().name = name;
    const auto refused = master::create(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::invalid_argument);
  }
}

} // namespace
} // namespace weir::test
