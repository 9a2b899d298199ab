// Children of a system that has signals, and calls that a filter can make fail.
#include "child_of_test.hpp"
#include "only_child.hpp"

#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace weir::test {
namespace {

using process_signals_test = backend_test;

TEST_P(process_signals_test, is_not_bothered_by_signals_that_are_blocked_here) {
  run([&]() -> task<> {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    process child = spawned(child_that({"wait"}));
    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    EXPECT_TRUE(child.kill(SIGTERM));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGTERM);
  });
}

TEST(process, that_may_not_be_killed_does_not_hold_up_its_owner) {
  const std::string seen = in_child([] {
    ::alarm(10); // for a destructor that waits in vain
    forbid_system_call(SYS_pidfd_send_signal, EPERM);
    forbid_system_call(SYS_kill, EPERM);
    {
      command what("cat");
      what.input = redirection::pipe();
      const process child = spawned(what);
    }
    return end_of_only_child(); // `cat` ends with its input
  });
  EXPECT_EQ(seen, "code 0");
}

INSTANTIATE_TEST_SUITE_P(backends, process_signals_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
