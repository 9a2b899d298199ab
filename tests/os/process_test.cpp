// Child processes: what they are given, how they end, and that nothing of them is left.
#include "child_of_test.hpp"
#include "pipe_of_test.hpp"

#include <support/coroutine_fixture.hpp>
#include <support/descriptors.hpp>
#include <support/processes.hpp>
#include <support/scratch_directory.hpp>

#include <filesystem>

namespace weir::test {
namespace {

class process_test : public backend_test {
 protected:
  void TearDown() override {
    backend_test::TearDown();
    EXPECT_FALSE(has_children());
  }
};

TEST_P(process_test, tells_the_code_that_it_exits_with) {
  run([&]() -> task<> {
    process child = spawned(child_that({"exit", "7"}));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->code() == 7 && !end->signal() && !end->is_success());
    result<exit_status> again = co_await child.wait();
    EXPECT_TRUE(again && again->code() == 7);
  });
}

TEST_P(process_test, tells_the_signal_that_ends_it) {
  run([&]() -> task<> {
    process child = spawned(child_that({"wait"}));
    EXPECT_TRUE(child.kill(SIGTERM));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGTERM && !end->code());
    EXPECT_EQ(child.kill(SIGTERM).error(), std::errc::no_such_process);
  });
}

TEST_P(process_test, tells_of_a_crash_as_a_signal) {
  run([&]() -> task<> {
    command what = child_that({"crash"});
    what.environment = {"ASAN_OPTIONS=handle_segv=0", "TSAN_OPTIONS=handle_segv=0"};
    process child = spawned(what);
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGSEGV && !end->code());
  });
}

TEST_P(process_test, is_asked_by_no_signal_that_is_none) {
  run([&]() -> task<> {
    process child = spawned(child_that({"wait"}));
    EXPECT_FALSE(child.kill(1000));
    EXPECT_TRUE(child.kill(SIGKILL));
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->signal() == SIGKILL);
  });
}

TEST_P(process_test, keeps_the_status_of_a_child_that_ends_before_anybody_waits) {
  run([&]() -> task<> {
    process child = spawned(child_that({"exit", "3"}));
    const std::string nothing = co_await read_to_end(child.output()); // it has closed everything
    EXPECT_EQ(nothing, "");
    await_end_of_child(child.id());
    result<exit_status> end = co_await child.wait();
    EXPECT_TRUE(end && end->code() == 3);
  });
}

TEST_P(process_test, a_cancelled_wait_loses_nothing) {
  run([&]() -> task<> {
    command what = child_that({"read-and-exit", "5"});
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
    command what = child_that({"read-and-exit", "5"});
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
      process child = spawned(child_that({"wait"}));
      process moved = std::move(child);
      id = moved.id();
      EXPECT_TRUE(is_process(id));
    }
    EXPECT_FALSE(is_process(id));
    co_return;
  });
}

TEST_P(process_test, talks_through_pipes_both_ways) {
  run([&]() -> task<> {
    command what = child_that({"cat"});
    what.input = redirection::pipe();
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
    command what = child_that({"say", "one", "two"});
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
    command what = child_that({"exit", "0"});
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
    command what = child_that({"cat"});
    what.input = redirection::pipe();
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

TEST_P(process_test, gets_its_arguments_as_they_are) {
  run([&]() -> task<> {
    const std::vector<std::string> words = {"",       "two words", "\"",   "a\"b c",    "\\",
                                            "a\\\\b", "c d\\",     "\\\"", "tab\there", "$HOME %PATH%"};
    std::string expected;
    for (const std::string& each : words) expected += each + "\n";
    std::vector<std::string> all = {"echo"};
    all.insert(all.end(), words.begin(), words.end());
    const std::string text = co_await output_of(child_that(std::move(all)));
    EXPECT_EQ(text, expected);
  });
}

TEST_P(process_test, gets_its_environment_and_directory) {
  run([&]() -> task<> {
    const scratch_directory place;
    command what = child_that({"tell", "FLOOR", "PATH"});
    what.environment = {"FLOOR=os"};
    what.directory = place.path();
    const std::string text = co_await output_of(what);
    EXPECT_TRUE(text.starts_with("os\nnone\n")) << text;
    const std::string told = text.substr(text.find("none\n") + 5);
    EXPECT_TRUE(std::filesystem::equivalent(told.substr(0, told.size() - 1), place.path())) << told;
  });
}

TEST_P(process_test, gets_this_environment_where_none_is_named) {
  run([&]() -> task<> {
    const command what = child_that({"tell", "PATH"});
    const std::string text = co_await output_of(what);
    EXPECT_TRUE(text.starts_with(std::string(std::getenv("PATH")) + "\n")) << text;
  });
}

TEST_P(process_test, gets_no_descriptor_that_it_is_not_given) {
  run([&]() -> task<> {
    const pipe_of_test foreign;
    const descriptor inheritable = inheritable_copy(foreign.reader.get());
    EXPECT_TRUE(inheritable);
    const command what = child_that({"is-given", std::to_string(inheritable.get())});
    const std::string text = co_await output_of(what);
    EXPECT_EQ(text, "not given\n");
  });
}

TEST_P(process_test, gets_what_is_passed_in_order) {
  run([&]() -> task<> {
    const pipe_of_test pipe;
    const pipe_of_test other;
    command what = child_that({"write", "3", "first", "4", "second"});
    what.passed = {other.writer.get(), pipe.writer.get()};
    const std::string text = co_await output_of(what);
    EXPECT_EQ(text, "");
    EXPECT_EQ(other.take(), "first");
    EXPECT_EQ(pipe.take(), "second");
  });
}

TEST_P(process_test, writes_to_a_descriptor_and_reads_from_nothing) {
  run([&]() -> task<> {
    const pipe_of_test pipe;
    command what = child_that({"read-and-exit", "0"});
    what.input = redirection::nothing();
    what.output = redirection::nothing();
    process reader = spawned(what);
    result<exit_status> end = co_await reader.wait();
    EXPECT_TRUE(end && end->is_success());
    what.arguments = {"say", "done"};
    what.output = redirection::to(pipe.writer.get());
    process writer = spawned(what);
    end = co_await writer.wait();
    EXPECT_TRUE(end && end->is_success());
    EXPECT_EQ(pipe.take(), "done\n");
  });
}

TEST_P(process_test, of_no_program_is_an_error_that_names_it) {
  run([&]() -> task<> {
    result<process> missing = process::spawn(command("/no/such/program"));
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(missing.error().message(), "spawn /no/such/program: No such file or directory");
    result<process> unheard_of = process::spawn(command("no-such-program"));
    EXPECT_EQ(unheard_of.error(), std::errc::no_such_file_or_directory);
    const scratch_directory place;
    for (const char* name : {"text.exe", "batch.CMD"}) {
      result<process> text = process::spawn(command(place.write(name, "no program")));
      EXPECT_FALSE(text);
      EXPECT_TRUE(text.error() == std::errc::permission_denied ||
                  text.error() == std::errc::executable_format_error)
          << text.error().message();
    }
    co_return;
  });
}

TEST_P(process_test, in_no_directory_is_an_error_that_names_that) {
  run([&]() -> task<> {
    command what = child_that({"exit", "0"});
    what.directory = "/no/such/directory";
    result<process> refused = process::spawn(what);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().endpoint(), "/no/such/directory");
    co_return;
  });
}

TEST_P(process_test, leaves_nothing_when_descriptors_run_out_at_any_step) {
  if (const std::string reason = descriptor_limit::why_none(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    command what = child_that({"exit", "0"});
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
    for (int i = 0; i < 20; ++i) children.push_back(spawned(child_that({"exit", std::to_string(i)})));
    for (int i = 19; i >= 0; --i) {
      result<exit_status> end = co_await children[static_cast<std::size_t>(i)].wait();
      EXPECT_TRUE(end && end->code() == i);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, process_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
