#include "runtime_rig.hpp"

#include <weir/runtime/inspector.hpp>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <support/sockets.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class inspector_test : public testing::Test {
 protected:
  inspector_test() : path_("/tmp/weir_inspector_" + std::to_string(::getpid())) { ::unlink(path_.c_str()); }
  ~inspector_test() override { ::unlink(path_.c_str()); }

  std::unique_ptr<inspector> open() {
    auto made = inspector::open(path_, registry_);
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }
  descriptor connect() const {
    descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strcpy(to.sun_path, path_.c_str());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) socket.reset();
    return socket;
  }
  std::string ask(std::string_view question) const {
    const descriptor socket = connect();
    EXPECT_TRUE(socket);
    send_text(socket.get(), question);
    return rest_of(socket);
  }
  /// What comes until the end. A local socket that is closed with something unread in it ends with a reset.
  static std::string rest_of(const descriptor& socket) {
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket.get(), piece.data(), piece.size(), 0);
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  std::string get(const std::string& what) const {
    return ask("GET " + what + " HTTP/1.0\r\nHost: weir\r\n\r\n");
  }
  static std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

  metrics_registry registry_;
  std::string path_;
};

TEST_F(inspector_test, answers_the_three_questions) {
  const running_loop shown("shown", registry_);
  const auto asked = open();
  const std::string metrics = get("/metrics");
  EXPECT_TRUE(metrics.starts_with("HTTP/1.0 200 OK\r\n"));
  EXPECT_NE(metrics.find("text/plain; version=0.0.4"), std::string::npos);
  EXPECT_NE(body_of(metrics).find("weir_loop_turns_total{loop=\"shown\"}"), std::string::npos);
  const std::string snapshot = get("/snapshot");
  EXPECT_NE(snapshot.find("application/json"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(body_of(snapshot))["loops"][0]["name"], "shown");
  EXPECT_NE(body_of(get("/dump")).find("loop shown"), std::string::npos);
}

TEST_F(inspector_test, says_the_length_of_its_answer) {
  const auto asked = open();
  const std::string answer = get("/metrics");
  const std::string header = "Content-Length: " + std::to_string(body_of(answer).size()) + "\r\n";
  EXPECT_NE(answer.find(header), std::string::npos);
}

TEST_F(inspector_test, refuses_what_it_does_not_know) {
  const auto asked = open();
  EXPECT_TRUE(get("/secrets").starts_with("HTTP/1.0 404 "));
  EXPECT_TRUE(ask("DELETE /dump HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 405 "));
  EXPECT_EQ(ask(std::string(10'000, 'x')), "") << "a question without an end";
}

TEST_F(inspector_test, answers_while_a_loop_is_stuck) {
  const running_loop stuck("stuck", registry_);
  const auto asked = open();
  std::promise<void> held, released;
  stuck.start([&] {
    held.set_value();
    released.get_future().wait();
  });
  held.get_future().wait();
  const auto all = nlohmann::json::parse(body_of(get("/snapshot")));
  released.set_value();
  EXPECT_EQ(all["loops"][0]["answers"], false);
}

TEST_F(inspector_test, does_not_spin_while_there_are_no_descriptors) {
  const auto asked = open();
  const auto cpu_ns = [] {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
  };
  const rlimit before = [] {
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return now;
  }();
  const descriptor client = connect();
  send_text(client.get(), "GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(rest_of(client).empty()) << "what is loaded at the first question is";
  const descriptor waiting(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const rlimit none{static_cast<rlim_t>(waiting.get() + 1), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::vector<descriptor> taken; // numbers below the limit that are free still
  while (descriptor more{::open("/dev/null", O_RDONLY | O_CLOEXEC)}) taken.push_back(std::move(more));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strcpy(to.sun_path, path_.c_str());
  EXPECT_EQ(::connect(waiting.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  send_text(waiting.get(), "GET /metrics HTTP/1.0\r\n\r\n");
  const std::uint64_t before_ns = cpu_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu_ns() - before_ns, 100'000'000u);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(rest_of(waiting).starts_with("HTTP/1.0 200 OK"));
}

TEST_F(inspector_test, only_its_owner_may_connect) {
  const auto asked = open();
  struct stat found{};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST_F(inspector_test, removes_its_path_and_replaces_a_stale_one) {
  open().reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  {
    const descriptor left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strcpy(at.sun_path, path_.c_str());
    ASSERT_EQ(::bind(left.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(path_)) << "as after a crash";
  const auto asked = open();
  EXPECT_NE(get("/metrics"), "");
}

TEST_F(inspector_test, a_path_in_use_is_an_error_and_stays_in_use) {
  const auto asked = open();
  const auto second = inspector::open(path_, registry_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
  EXPECT_NE(get("/metrics"), "");
  EXPECT_FALSE(inspector::open(std::string(200, 'x'), registry_)) << "longer than sun_path";
}

TEST_F(inspector_test, ends_though_somebody_is_connected_who_says_nothing) {
  auto asked = open();
  const descriptor silent = connect();
  ASSERT_TRUE(silent);
  asked.reset();
  EXPECT_EQ(rest_of(silent), "");
}

} // namespace
} // namespace weir::test
