// Child processes: what they are given, how they end, and that nothing of them is left.
#include "only_child.hpp"

#include <weir/os/process.hpp>

#include <fcntl.h>
#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <support/descriptors.hpp>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace weir::test {
namespace {

/// A shell that runs `script`; its output is a pipe.
command shell(std::string script) {
  command made("/bin/sh", {"-c", std::move(script)});
  made.output = redirection::pipe();
  return made;
}

process spawned(const command& what) {
  result<process> child = process::spawn(what);
  EXPECT_TRUE(child) << child.error().message();
  return std::move(*child);
}

task<std::string> read_to_end(pipe_end& from) {
  std::string text;
  std::array<std::byte, 4096> bytes;
  for (;;) {
    result<std::size_t> got = co_await from.read_some(bytes);
    EXPECT_TRUE(got);
    if (!got || *got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(bytes.data()), *got);
  }
}

task<std::string> output_of(command what) {
  process child = spawned(what);
  std::string text = co_await read_to_end(child.output());
  result<exit_status> end = co_await child.wait();
  EXPECT_TRUE(end && end->is_success());
  co_return text;
}

bool is_there(pid_t id) {
  return ::kill(id, 0) == 0;
}

class process_test : public backend_test {
 protected:
  void TearDown() override {
    backend_test::TearDown();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    EXPECT_EQ(errno, ECHILD);
  }
};

TEST_P(process_test, tells_the_code_that_it_exits_with) {
  run([&]() -> task<> {
    process child = spawned(shell("exit 7"));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->code() == 7 && !end->signal() && !end->is_success());
    result<exit_status> again = co_await child.wait();
    EXPECT_TRUE(again && again->code() == 7);
  });
}

TEST_P(process_test, tells_the_signal_that_ends_it) {
  run([&]() -> task<> {
    process child = spawned(command("sleep", {"1000"}));
    EXPECT_TRUE(child.kill(SIGTERM));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGTERM && !end->code());
    EXPECT_EQ(child.kill(SIGTERM).error(), std::errc::no_such_process);
  });
}

TEST_P(process_test, keeps_the_status_of_a_child_that_ends_before_anybody_waits) {
  run([&]() -> task<> {
    process child = spawned(shell("exit 3"));
    const std::string nothing = co_await read_to_end(child.output()); // it has closed everything
    EXPECT_EQ(nothing, "");
    siginfo_t told{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child.id()), &told, WEXITED | WNOWAIT), 0);
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->code() == 3);
  });
}

TEST_P(process_test, a_cancelled_wait_loses_nothing) {
  run([&]() -> task<> {
    command what = shell("read line; exit 5");
    what.input = redirection::pipe();
    process child = spawned(what);
    result<exit_status> late = co_await with_deadline(1ms, child.wait());
    EXPECT_TRUE(!late && late.error().is_timeout());
    child.input().close();
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->code() == 5);
  });
}

TEST_P(process_test, several_may_wait_for_one) {
  run([&]() -> task<> {
    command what = shell("read line; exit 5");
    what.input = redirection::pipe();
    process child = spawned(what);
    auto let_it_go = [&]() -> task<> {
      co_await turns(3);
      child.input().close();
    };
    auto [first, second, done] = co_await when_all(child.wait(), child.wait(), let_it_go());
    EXPECT_TRUE(first && first->code() == 5);
    EXPECT_TRUE(second && second->code() == 5);
  });
}

TEST_P(process_test, dropped_is_killed_and_leaves_no_zombie) {
  run([&]() -> task<> {
    pid_t id = -1;
    {
      process child = spawned(command("sleep", {"1000"}));
      process moved = std::move(child);
      id = moved.id();
      EXPECT_TRUE(is_there(id));
    }
    EXPECT_FALSE(is_there(id));
    co_return;
  });
}

TEST_P(process_test, talks_through_pipes_both_ways) {
  run([&]() -> task<> {
    command what("cat");
    what.input = redirection::pipe();
    what.output = redirection::pipe();
    process child = spawned(what);
    const std::string sent = pattern(300'000); // more than both pipes hold
    auto write = [&]() -> task<> {
      result<> written = co_await child.input().write_all(std::as_bytes(std::span(sent)));
      EXPECT_TRUE(written);
      child.input().close();
    };
    auto [received, done] = co_await when_all(read_to_end(child.output()), write());
    EXPECT_TRUE(received == sent);
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->is_success());
  });
}

TEST_P(process_test, keeps_output_and_errors_apart) {
  run([&]() -> task<> {
    command what = shell("echo one; echo two >&2");
    what.errors = redirection::pipe();
    process child = spawned(what);
    const std::string output = co_await read_to_end(child.output());
    const std::string errors = co_await read_to_end(child.errors());
    EXPECT_EQ(output + errors, "one\ntwo\n");
    EXPECT_EQ(errors, "two\n");
    EXPECT_FALSE(child.input());
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end);
  });
}

TEST_P(process_test, a_writer_that_nobody_reads_is_told_and_gets_no_signal) {
  run([&]() -> task<> {
    command what("true");
    what.input = redirection::pipe();
    process child = spawned(what);
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end);
    const std::array<std::byte, 10> bytes{};
    result<std::size_t> refused = co_await child.input().write_some(bytes);
    EXPECT_TRUE(!refused && refused.error() == std::errc::broken_pipe);
  });
}

TEST_P(process_test, a_cancelled_read_takes_nothing) {
  run([&]() -> task<> {
    command what("cat");
    what.input = redirection::pipe();
    what.output = redirection::pipe();
    process child = spawned(what);
    std::array<std::byte, 10> bytes{};
    result<std::size_t> late = co_await with_deadline(1ms, child.output().read_some(bytes));
    EXPECT_TRUE(!late && late.error().is_timeout());
    result<> written = co_await child.input().write_all(std::as_bytes(std::span("hello", 5)));
    EXPECT_TRUE(written);
    child.input().close();
    const std::string text = co_await read_to_end(child.output());
    EXPECT_EQ(text, "hello");
  });
}

TEST_P(process_test, gets_its_environment_and_directory) {
  run([&]() -> task<> {
    command what = shell("echo $FLOOR $HOME; pwd");
    what.environment = {"FLOOR=os"};
    what.directory = "/usr";
    const std::string text = co_await output_of(what);
    EXPECT_EQ(text, "os\n/usr\n");
  });
}

TEST_P(process_test, gets_no_descriptor_that_it_is_not_given) {
  run([&]() -> task<> {
    const descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const descriptor inheritable(::fcntl(null.get(), F_DUPFD, 50));
    const std::string number = std::to_string(inheritable.get());
    const std::string text =
        co_await output_of(shell("if test -e /proc/$$/fd/" + number + "; then echo leaked; fi; echo done"));
    EXPECT_EQ(text, "done\n");
  });
}

TEST_P(process_test, gets_what_is_passed_in_order) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    const connection other = connect_pair(transport::local);
    command what = shell("echo first >&3; echo second >&4");
    what.passed = {other.theirs.get(), pair.theirs.get()};
    const std::string text = co_await output_of(what);
    EXPECT_EQ(text, "");
    EXPECT_EQ(read_available(other.ours.get()), "first\n");
    EXPECT_EQ(read_available(pair.ours.get()), "second\n");
  });
}

TEST_P(process_test, writes_to_a_descriptor_and_reads_from_nothing) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    command what("/bin/sh", {"-c", "cat; echo done"});
    what.input = redirection::nothing();
    what.output = redirection::to(pair.theirs.get());
    process child = spawned(what);
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->is_success());
    EXPECT_EQ(read_available(pair.ours.get()), "done\n");
  });
}

TEST_P(process_test, is_not_bothered_by_signals_that_are_blocked_here) {
  run([&]() -> task<> {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    process child = spawned(command("sleep", {"1000"}));
    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    EXPECT_TRUE(child.kill(SIGTERM));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGTERM);
  });
}

TEST_P(process_test, of_no_program_is_an_error_that_names_it) {
  run([&]() -> task<> {
    result<process> missing = process::spawn(command("/no/such/program"));
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(missing.error().message(), "spawn /no/such/program: No such file or directory");
    result<process> not_executable = process::spawn(command("/etc/passwd"));
    EXPECT_FALSE(not_executable);
    EXPECT_EQ(not_executable.error(), std::errc::permission_denied);
    co_return;
  });
}

TEST_P(process_test, in_no_directory_is_an_error_that_names_that) {
  run([&]() -> task<> {
    command what("true");
    what.directory = "/no/such/directory";
    result<process> refused = process::spawn(what);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().endpoint(), "/no/such/directory");
    co_return;
  });
}

TEST_P(process_test, leaves_nothing_when_descriptors_run_out_at_any_step) {
  run([&]() -> task<> {
    command what("true");
    what.input = what.output = what.errors = redirection::pipe();
    const std::size_t open_before = open_descriptors();
    std::size_t refusals = 0;
    bool is_refused = true;
    for (; is_refused && refusals < 40; ++refusals) {
      descriptor_limit few(refusals);
      const result<process> child = process::spawn(what);
      few.lift();
      is_refused = !child;
      if (is_refused) {
        EXPECT_EQ(child.error(), std::errc::too_many_files_open);
        EXPECT_EQ(open_descriptors(), open_before);
      }
    }
    EXPECT_FALSE(is_refused);
    EXPECT_GT(refusals, 5);
    co_return;
  });
}

TEST_P(process_test, may_be_many) {
  run([&]() -> task<> {
    std::vector<process> children;
    for (int i = 0; i < 20; ++i) children.push_back(spawned(shell("exit " + std::to_string(i))));
    for (int i = 19; i >= 0; --i) {
      result<exit_status> end = co_await children[static_cast<std::size_t>(i)].wait();
      EXPECT_TRUE(end && end->code() == i);
    }
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

INSTANTIATE_TEST_SUITE_P(backends, process_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
