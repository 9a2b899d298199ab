#include <weir/io/backend.hpp>
#include <weir/io/uring_proactor.hpp>

#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/child.hpp>

#include <cerrno>
#include <cstdlib>

namespace weir::test {
namespace {

/// What the environment is made to say, and said before.
class environment {
 public:
  environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~environment() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class backend_test : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  }

  result<chosen_backend> choose(backend wanted) {
    return choose_backend(wanted, options_, completed_, pool_, counters_);
  }
  /// "name | reason", or the error.
  std::string chosen(backend wanted) {
    const auto choice = choose(wanted);
    if (!choice) return "error: " + choice.error().message();
    return std::string(choice->implementation->name()) + " | " + choice->reason;
  }

  environment no_backend_{"WEIR_BACKEND", nullptr};
  environment no_capabilities_{"WEIR_CAPABILITIES", nullptr};
  completion_queue completed_;
  buffer_pool pool_;
  loop_counters counters_;
  proactor_options options_;
};

TEST_F(backend_test, has_names) {
  for (const backend which : {backend::automatic, backend::io_uring, backend::epoll})
    EXPECT_EQ(parse_backend(name_of(which)).value(), which);
  EXPECT_EQ(parse_backend("kqueue").error().message(), "backend 'kqueue': invalid argument");
}

TEST_F(backend_test, is_io_uring_where_it_passes_its_self_test) {
  EXPECT_TRUE(chosen(backend::automatic).starts_with("io_uring | io_uring: proven by the self-test"));
  EXPECT_TRUE(chosen(backend::io_uring).starts_with("io_uring | io_uring: proven by the self-test"));
}

TEST_F(backend_test, is_what_the_program_asks_for) {
  EXPECT_EQ(chosen(backend::epoll), "epoll | epoll: asked for by the program");
}

TEST_F(backend_test, is_epoll_where_io_uring_is_forbidden_and_says_why) {
  EXPECT_EQ(in_child([&] {
              forbid_io_uring(EPERM);
              return chosen(backend::automatic);
            }),
            "epoll | epoll: io_uring_setup: Operation not permitted");
  EXPECT_EQ(in_child([&] {
              forbid_io_uring(ENOSYS);
              return chosen(backend::automatic);
            }),
            "epoll | epoll: io_uring_setup: Function not implemented");
}

TEST_F(backend_test, is_an_error_where_the_one_asked_for_is_forbidden) {
  EXPECT_EQ(in_child([&] {
              forbid_io_uring(EPERM);
              return chosen(backend::io_uring);
            }),
            "error: io_uring_setup: Operation not permitted");
  EXPECT_EQ(in_child([&] {
              forbid_io_uring(ENOSYS);
              const environment only("WEIR_BACKEND", "io_uring");
              return chosen(backend::automatic);
            }),
            "error: io_uring_setup: Function not implemented");
}

TEST_F(backend_test, is_narrowed_by_the_environment) {
  const environment only("WEIR_BACKEND", "epoll");
  EXPECT_EQ(chosen(backend::automatic), "epoll | epoll: asked for by WEIR_BACKEND");
  EXPECT_EQ(chosen(backend::epoll), "epoll | epoll: asked for by the program");
  EXPECT_EQ(chosen(backend::io_uring), "error: WEIR_BACKEND excludes io_uring: Operation not supported");
}

TEST_F(backend_test, has_no_more_capabilities_than_program_and_environment_leave_it) {
  const environment fewer("WEIR_CAPABILITIES", "-bundles,-send_zero_copy");
  options_.allowed.remove(capability::poll_first);
  const auto choice = choose(backend::io_uring);
  ASSERT_TRUE(choice);
  const capability_mask found = choice->implementation->capabilities();
  EXPECT_FALSE(found.has(capability::bundles));
  EXPECT_FALSE(found.has(capability::send_zero_copy));
  EXPECT_FALSE(found.has(capability::poll_first));
}

TEST_F(backend_test, refuses_an_environment_that_it_does_not_understand) {
  {
    const environment typo("WEIR_BACKEND", "iouring");
    EXPECT_EQ(chosen(backend::automatic), "error: WEIR_BACKEND 'iouring': invalid argument");
  }
  const environment typo("WEIR_CAPABILITIES", "-bundels");
  EXPECT_EQ(chosen(backend::automatic), "error: WEIR_CAPABILITIES '-bundels': invalid argument");
}

} // namespace
} // namespace weir::test
