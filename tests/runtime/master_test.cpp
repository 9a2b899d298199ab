// A master and its workers: how they start, fail, are replaced, drain and are reloaded.
#include <weir/async/when_any.hpp>

#include <support/test_workers.hpp>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

namespace weir::test {
namespace {

using master_test = master_fixture;
using enum worker_event_kind;

// --- the beginning ---

TEST_P(master_test, its_workers_serve_from_its_socket) {
  create(options_for("echo", 2));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client client = co_await join_workers(at());
    EXPECT_GT(client.process, 0);
    EXPECT_NE(client.process, ::getpid());
    const std::string answer = co_await client.ask("hello");
    EXPECT_EQ(answer, "hello");
    EXPECT_EQ(boss().workers_ready(), 2u);
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(count(started), 2u);
  EXPECT_EQ(count(ended), 2u);
  EXPECT_EQ(last(ended).end->code(), 0);
}

TEST_P(master_test, with_a_socket_each_all_workers_serve) {
  master_options options = options_for("echo", 3);
  options.placement = worker_placement::reuse_port;
  create(std::move(options));
  const result<> outcome = beside_master([&]() -> task<> {
    std::set<pid_t> seen;
    for (int i = 0; i < 200 && seen.size() < 3; ++i) {
      served_client client = co_await join_workers(at());
      seen.insert(client.process);
    }
    EXPECT_EQ(seen.size(), 3u);
  });
  EXPECT_TRUE(outcome);
}

TEST_P(master_test, a_worker_has_no_descriptor_but_its_own) {
  create(options_for("echo"));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client client = co_await join_workers(at());
    const std::string open = co_await client.ask("descriptors");
    std::size_t sockets = 0;
    for (std::size_t at = open.find("socket:"); at != std::string::npos; at = open.find("socket:", at + 1))
      ++sockets;
    EXPECT_EQ(sockets, 3u) << open; // the control channel, the listener, this client
    const bool has_one_loop = open.find("[eventfd]") == open.rfind("[eventfd]") &&
                              open.find("[io_uring]") == open.rfind("[io_uring]");
    EXPECT_TRUE(has_one_loop) << open;
  });
  EXPECT_TRUE(outcome);
}

TEST_P(master_test, workers_that_fail_at_the_start_end_it_with_the_reason) {
  create(options_for("fails", 2));
  const result<> outcome = run_alone();
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message().find("exit code 3"), std::string::npos) << outcome.error().message();
}

TEST_P(master_test, workers_that_do_not_become_ready_are_killed) {
  master_options options = options_for("never_ready");
  options.ready_within = 50ms;
  create(std::move(options));
  const result<> outcome = run_alone();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(count(overdue), 1u);
  EXPECT_NE(outcome.error().message().find("SIGKILL"), std::string::npos) << outcome.error().message();
}

TEST_P(master_test, a_program_that_is_not_there_is_an_error_that_names_it) {
  master_options options = options_for("echo");
  options.program = command("/nonexistent/program");
  create(std::move(options));
  const result<> outcome = run_alone();
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message().find("/nonexistent/program"), std::string::npos);
}

TEST_P(master_test, a_socket_that_cannot_be_opened_is_an_error_that_names_it) {
  const listening_socket taken = listen_on(transport::tcp);
  master_options options = options_for("echo");
  options.sockets.front().at = *address::local_of(taken.socket.get());
  const auto refused = master::create(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::address_in_use);
  EXPECT_EQ(refused.error().endpoint(), options.sockets.front().at.to_string());
}

// --- failures ---

TEST_P(master_test, a_worker_that_crashes_is_replaced_and_the_others_go_on) {
  create(options_for("echo", 2));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client survivor = co_await join_workers(at());
    served_client victim = co_await join_workers(at());
    for (int i = 0; i < 100 && victim.process == survivor.process; ++i) victim = co_await join_workers(at());
    if (victim.process == survivor.process) co_return; // one of them takes all that come
    const std::string nothing = co_await victim.ask("die");
    EXPECT_EQ(nothing, "");
    co_await wait_for(ready, 3);
    EXPECT_EQ(last(failed).process, victim.process);
    EXPECT_EQ(last(failed).end->signal(), SIGSEGV);
    EXPECT_EQ(last(replaced_soon).delay, 0ns);
    const std::string answer = co_await survivor.ask("still here");
    EXPECT_EQ(answer, "still here");
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
}

TEST_P(master_test, a_worker_that_leaves_unasked_is_replaced) {
  create(options_for("echo"));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client client = co_await join_workers(at());
    co_await client.ask("leave");
    served_client next = co_await join_workers(at()); // waits in the backlog until there is a replacement
    EXPECT_GT(next.process, 0);
    EXPECT_NE(next.process, client.process);
  });
  EXPECT_TRUE(outcome);
  EXPECT_EQ(count(failed), 1u);
}

TEST_P(master_test, a_worker_whose_loop_hangs_is_aborted) {
  master_options options = options_for("echo");
  options.silence_max = 300ms;
  create(std::move(options));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client client = co_await join_workers(at());
    co_await client.ask("hang");
    co_await wait_for(ready, 2);
  });
  EXPECT_TRUE(outcome);
  EXPECT_EQ(last(failed).end->signal(), SIGABRT);
}

TEST_P(master_test, gives_up_when_workers_fail_too_often) {
  master_options options = options_for("echo", 2);
  options.restarts_max = 2;
  options.restart_delay = 1ms;
  create(std::move(options));
  const result<> outcome = beside_master([&]() -> task<> {
    for (std::size_t failures = 1; failures <= 3; ++failures) {
      served_client client = co_await join_workers(at());
      co_await client.ask("die");
      co_await wait_for(failed, failures);
    }
    co_await wait_for(gave_up);
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), errc::limit_reached);
  EXPECT_EQ(count(started), 4u) << "both, and two replacements";
}

// --- the end ---

TEST_P(master_test, drains_on_a_signal_and_lets_clients_finish) {
  for (const int signal : {SIGTERM, SIGINT}) {
    create(options_for("echo"));
    const result<> outcome = beside_master([&]() -> task<> {
      served_client client = co_await join_workers(at());
      ::kill(::getpid(), signal);
      co_await wait_for(draining);
      const std::string answer = co_await client.ask("finish this");
      EXPECT_EQ(answer, "finish this");
    });
    EXPECT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(last(ended).end->code(), 0);
  }
}

TEST_P(master_test, workers_that_drain_for_too_long_end_what_they_do) {
  master_options options = options_for("slow");
  options.drain_within = 50ms;
  create(std::move(options));
  EXPECT_TRUE(beside_master([&]() -> task<> { co_return; }));
  EXPECT_EQ(last(ended).end->code(), 1) << "timed out, but by itself";
  EXPECT_EQ(count(overdue), 0u);
}

TEST_P(master_test, workers_that_do_not_end_at_all_are_killed) {
  master_options options = options_for("stubborn");
  options.drain_within = 20ms;
  options.end_within = 50ms;
  create(std::move(options));
  EXPECT_TRUE(beside_master([&]() -> task<> { co_return; }));
  EXPECT_EQ(last(ended).end->signal(), SIGKILL);
  EXPECT_EQ(count(overdue), 1u);
}

TEST_P(master_test, on_sigquit_workers_are_killed_at_once) {
  create(options_for("slow", 2));
  const result<> outcome = beside_master([&]() -> task<> {
    ::kill(::getpid(), SIGQUIT);
    co_await wait_for(ended, 2);
  });
  EXPECT_TRUE(outcome);
  EXPECT_EQ(last(ended).end->signal(), SIGKILL);
}

TEST_P(master_test, cancelled_it_leaves_no_worker) {
  create(options_for("slow", 2));
  run([&]() -> task<> {
    auto cut_off = [&]() -> task<result<>> {
      co_await wait_for(ready, 2);
      co_return result<>();
    };
    auto first = co_await when_any(boss().run(), cut_off());
    EXPECT_TRUE(std::get<0>(first.values).error().is_cancelled());
  }); // TearDown looks for children
}

TEST_P(master_test, asked_to_end_before_its_workers_are_ready_it_ends) {
  create(options_for("never_ready"));
  const result<> outcome = run([&]() -> task<result<>> {
    auto end_it = [&]() -> task<> {
      co_await wait_for(started);
      boss().quit();
    };
    auto both = co_await when_all(boss().run(), end_it());
    co_return std::get<0>(both);
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
}

TEST_P(master_test, removes_the_path_that_it_bound) {
  const std::string path = testing::TempDir() + "weir_master_" + std::to_string(::getpid());
  master_options options = options_for("echo");
  options.sockets.front().at = *address::unix_path(path);
  create(std::move(options));
  EXPECT_TRUE(beside_master([&]() -> task<> {
    served_client client = co_await join_workers(*address::unix_path(path));
    EXPECT_GT(client.process, 0);
  }));
  EXPECT_TRUE(std::filesystem::is_socket(path)) << "a worker has removed it";
  create(options_for("echo"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

// --- reload ---

TEST_P(master_test, a_reload_replaces_all_workers_and_lets_clients_finish) {
  create(options_for("echo", 2));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client old = co_await join_workers(at());
    ::kill(::getpid(), SIGHUP);
    co_await wait_for(reloaded);
    EXPECT_EQ(count(draining), 0u) << "before the new ones were ready";
    co_await wait_for(draining, 2);
    served_client next = co_await join_workers(at());
    while (next.process == old.process) next = co_await join_workers(at()); // it has not heard of its end yet
    EXPECT_GT(next.process, 0) << "a client was refused";
    const std::string answer = co_await old.ask("finish this");
    EXPECT_EQ(answer, "finish this");
  });
  EXPECT_TRUE(outcome);
  EXPECT_EQ(count(started), 4u);
  EXPECT_EQ(count(failed), 0u);
}

TEST_P(master_test, a_reload_that_fails_leaves_the_old_workers) {
  const std::string program = testing::TempDir() + "weir_program_" + std::to_string(::getpid());
  std::filesystem::remove(program);
  std::filesystem::create_symlink("/proc/self/exe", program);
  master_options options = options_for("echo");
  std::filesystem::remove(program);
  std::filesystem::create_symlink(options.program->program, program);
  options.program->program = program;
  create(std::move(options));
  const result<> outcome = beside_master([&]() -> task<> {
    served_client client = co_await join_workers(at());
    std::filesystem::remove(program);
    std::filesystem::create_symlink("/bin/false", program);
    boss().reload();
    co_await wait_for(reload_failed);
    const std::string answer = co_await client.ask("still here");
    EXPECT_EQ(answer, "still here");
    served_client another = co_await join_workers(at());
    EXPECT_EQ(another.process, client.process);
  });
  EXPECT_TRUE(outcome);
  EXPECT_EQ(count(draining), 1u) << "at the end";
  std::filesystem::remove(program);
}

TEST_P(master_test, several_reloads_come_one_after_the_other) {
  create(options_for("echo"));
  const result<> outcome = beside_master([&]() -> task<> {
    boss().reload();
    boss().reload(); // the same one
    co_await wait_for(reload_began);
    boss().reload();
    co_await wait_for(reloaded, 2);
    EXPECT_EQ(count(reload_began), 2u);
  });
  EXPECT_TRUE(outcome);
}

INSTANTIATE_TEST_SUITE_P(backends, master_test, with_each_loop(), name_of_backend);

} // namespace
} // namespace weir::test
