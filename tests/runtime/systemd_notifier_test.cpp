// A manager that writes down what it is told.
#include <weir/runtime/systemd_notifier.hpp>

#include <support/coroutine_fixture.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <regex>
#include <string>

namespace weir::test {
namespace {

class systemd_notifier_test : public backend_test {
 protected:
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    manager_.reset();
    backend_test::TearDown();
    std::filesystem::remove(path_);
  }

  /// The manager listens, and the environment says where.
  void open_manager(bool abstract) {
    const std::string name = "weir-notify-" + std::to_string(::getpid());
    path_ = testing::TempDir() + name;
    const address at = abstract ? *address::unix_abstract(name) : *address::unix_path(path_);
    manager_ = descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(::bind(manager_.get(), at.raw(), at.raw_bytes()), 0);
    ::setenv("NOTIFY_SOCKET", at.to_string().c_str(), 1);
  }
  std::string told() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(manager_.get(), bytes.data(), bytes.size(), 0);
    return got < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(got));
  }
  static systemd_notifier made() {
    result<systemd_notifier> notifier = systemd_notifier::from_environment();
    EXPECT_TRUE(notifier) << notifier.error().message();
    return *notifier;
  }
  static std::string refused() {
    result<systemd_notifier> notifier = systemd_notifier::from_environment();
    return notifier ? "nothing" : notifier.error().message();
  }

  descriptor manager_;
  std::string path_;
};

TEST_P(systemd_notifier_test, tells_each_state_in_a_datagram) {
  ASSERT_NO_FATAL_FAILURE(open_manager(false));
  systemd_notifier manager = made();
  EXPECT_TRUE(run(manager.ready()));
  EXPECT_EQ(told(), "READY=1");
  EXPECT_TRUE(run(manager.ready("serves")));
  EXPECT_EQ(told(), "READY=1\nSTATUS=serves");
  EXPECT_TRUE(run(manager.stopping("drains")));
  EXPECT_EQ(told(), "STOPPING=1\nSTATUS=drains");
  EXPECT_TRUE(run(manager.status("two lines\nREADY=1")));
  EXPECT_EQ(told(), "STATUS=two lines READY=1");
  EXPECT_TRUE(run(manager.alive()));
  EXPECT_EQ(told(), "WATCHDOG=1");
  EXPECT_EQ(told(), "nothing");
}

TEST_P(systemd_notifier_test, tells_when_a_reload_began) {
  ASSERT_NO_FATAL_FAILURE(open_manager(true));
  systemd_notifier manager = made();
  const auto now_us = [] {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
  };
  const auto before_us = now_us();
  auto tell = [&]() -> task<> {
    result<> done = co_await manager.reloading();
    EXPECT_TRUE(done);
  };
  run(tell());
  const std::string text = told();
  std::smatch parts;
  ASSERT_TRUE(std::regex_match(text, parts, std::regex("RELOADING=1\nMONOTONIC_USEC=([0-9]+)"))) << text;
  EXPECT_GE(std::stoll(parts[1]), before_us);
  EXPECT_LE(std::stoll(parts[1]), now_us());
}

TEST_P(systemd_notifier_test, waits_while_the_manager_takes_nothing) {
  ASSERT_NO_FATAL_FAILURE(open_manager(true));
  systemd_notifier manager = made();
  run([&]() -> task<> {
    int sent = 0;
    result<> room;
    for (; room; ++sent) room = co_await with_deadline(20ms, manager.alive());
    EXPECT_TRUE(room.error().is_timeout());
    EXPECT_GT(sent, 1);
    auto make_room = [&]() -> task<> {
      co_await turns(3);
      while (told() != "nothing") {
      }
    };
    auto [late, done] = co_await when_all(manager.ready(), make_room());
    EXPECT_TRUE(late);
  });
  std::string last;
  for (std::string next = told(); next != "nothing"; next = told()) last = next;
  EXPECT_EQ(last, "READY=1");
}

TEST_P(systemd_notifier_test, knows_how_often_it_has_to_tell_that_it_is_alive) {
  ASSERT_NO_FATAL_FAILURE(open_manager(true));
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(made().watchdog_interval(), 30s);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children would speak in our name";

  ::setenv("NOTIFY_SOCKET", "@manager", 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getppid()).c_str(), 1);
  EXPECT_EQ(made().watchdog_interval(), std::nullopt) << "meant for another process";
}

TEST_P(systemd_notifier_test, says_what_it_cannot_understand) {
  ::setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
  EXPECT_TRUE(refused().starts_with("NOTIFY_SOCKET vsock:2:1234")) << refused();
  ::setenv("NOTIFY_SOCKET", "@manager", 1);
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_TRUE(refused().starts_with("WATCHDOG_USEC soon"));
}

TEST_P(systemd_notifier_test, without_a_manager_tells_nobody_and_succeeds) {
  systemd_notifier manager = made();
  EXPECT_FALSE(manager);
  EXPECT_TRUE(run(manager.ready()));
  EXPECT_EQ(manager.watchdog_interval(), std::nullopt);
}

TEST_P(systemd_notifier_test, a_manager_that_is_gone_is_an_error) {
  ASSERT_NO_FATAL_FAILURE(open_manager(true));
  systemd_notifier manager = made();
  manager_.reset();
  const result<> lost = run(manager.ready());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error(), std::errc::connection_refused);
}

INSTANTIATE_TEST_SUITE_P(backends, systemd_notifier_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
