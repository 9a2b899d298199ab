// Each test drops the privileges of a child: it could not take them back.
#include <weir/io/loop.hpp>
#include <weir/runtime/privileges.hpp>

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/child.hpp>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_TEST_HAS_SANITIZER_THREAD
#endif
#endif

namespace weir::test {
namespace {

const identity somebody(4711, 4712, {4712, 4713});

std::string outcome_of(const result<>& what) {
  return what ? "done" : what.error().message();
}

class privileges : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root has privileges to drop";
#ifdef WEIR_TEST_HAS_SANITIZER_THREAD
    GTEST_SKIP() << "the sanitizer starts a thread of its own in a child";
#endif
  }
};

TEST_F(privileges, are_gone_with_user_group_and_groups) {
  const std::string seen = in_child([] {
    if (result<> dropped = drop_privileges(somebody); !dropped) return dropped.error().message();
    gid_t groups[8];
    const int count = ::getgroups(8, groups);
    return std::to_string(::getuid()) + " " + std::to_string(::getegid()) + " " + std::to_string(count) +
           (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? " for good" : "");
  });
  EXPECT_EQ(seen, "4711 4712 2 for good");
}

TEST_F(privileges, do_not_come_back) {
  const std::string seen = in_child([] {
    if (result<> dropped = drop_privileges(somebody); !dropped) return dropped.error().message();
    if (::setuid(0) == 0 || ::setgid(0) == 0 || ::setgroups(0, nullptr) == 0) return std::string("back");
    const int file = ::open("/etc/shadow", O_RDONLY | O_CLOEXEC);
    return std::string(file < 0 ? std::strerror(errno) : "read");
  });
  EXPECT_EQ(seen, "Permission denied");
}

TEST_F(privileges, can_be_dropped_twice_to_the_same) {
  const std::string seen = in_child([] {
    if (result<> dropped = drop_privileges(somebody); !dropped) return dropped.error().message();
    return outcome_of(drop_privileges(somebody));
  });
  EXPECT_EQ(seen, "done");
}

TEST_F(privileges, that_are_gone_do_not_reach_another_identity) {
  const std::string seen = in_child([] {
    if (result<> dropped = drop_privileges(somebody); !dropped) return dropped.error().message();
    return outcome_of(drop_privileges(identity(4714, 4712)));
  });
  EXPECT_EQ(seen, "drop_privileges: setgroups: Operation not permitted");
}

TEST_F(privileges, are_not_dropped_to_root) {
  const std::string seen = in_child([] { return outcome_of(drop_privileges(identity(0, 0))); });
  EXPECT_TRUE(seen.starts_with("drop_privileges: to root")) << seen;
}

TEST_F(privileges, are_kept_when_a_ring_was_made_before) {
  if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string seen = in_child([] {
    loop_options options;
    options.backend = backend::io_uring;
    auto made = loop::create(options);
    const std::string outcome = outcome_of(drop_privileges(somebody));
    return outcome.substr(0, outcome.rfind(':')) + (::geteuid() == 0 ? ", still root" : ", changed");
  });
  EXPECT_EQ(seen, "drop_privileges: a loop with a ring was made before, still root");
}

TEST_F(privileges, are_kept_when_threads_were_started_before) {
  const std::string seen = in_child([] {
    std::string outcome;
    std::jthread other([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) std::this_thread::yield();
    });
    outcome = outcome_of(drop_privileges(somebody));
    return outcome.substr(0, outcome.rfind(':')) + (::geteuid() == 0 ? ", still root" : ", changed");
  });
  EXPECT_EQ(seen, "drop_privileges: threads were started before, still root");
}

TEST_F(privileges, once_dropped_a_ring_can_be_made) {
  if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string seen = in_child([] {
    if (result<> dropped = drop_privileges(somebody); !dropped) return dropped.error().message();
    loop_options options;
    options.backend = backend::io_uring;
    options.io.restricted = true;
    auto made = loop::create(options);
    return made ? std::string((*made)->backend().name()) : made.error().message();
  });
  EXPECT_EQ(seen, "io_uring");
}

TEST(identity, of_a_user_has_its_groups) {
  const result<identity> found = identity::of_user("nobody");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_NE(found->user, 0u);
  EXPECT_FALSE(found->groups.empty());
}

TEST(identity, of_nobody_known_is_an_error_that_names_it) {
  const result<identity> none = identity::of_user("no-such-user");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message().find("no-such-user"), std::string::npos) << none.error().message();
}

} // namespace
} // namespace weir::test
