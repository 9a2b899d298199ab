// A worker without its master: a child that is started as a master starts it, and a test at the other end.
#include "runtime/worker_channel.hpp"
#include "runtime/worker_terms.hpp"

#include <weir/os/process.hpp>
#include <weir/runtime/worker.hpp>

#include <support/child.hpp>
#include <support/test_workers.hpp>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace weir::test {
namespace {

worker_terms terms_of(std::chrono::milliseconds alive_every) {
  worker_terms terms;
  terms.number = 7;
  terms.alive_every = alive_every;
  terms.drain_within = 100ms;
  terms.sockets = {"echo"};
  return terms;
}

class worker_test : public backend_test {
 protected:
  /// A worker, and this side of its channel.
  void start(const std::string& kind, std::chrono::milliseconds alive_every = 0ms) {
    const master_options options = workers_of(kind, 1, GetParam().which);
    command program = *options.program;
    program.environment->push_back("WEIR_WORKER=" + terms_of(alive_every).to_string());
    result<descriptor> socket = listener::open(options.sockets.front().at);
    ASSERT_TRUE(socket);
    at_ = *address::local_of(socket->get());
    auto opened = worker_channel::open();
    ASSERT_TRUE(opened);
    channel_ = std::move(opened->first);
    program.passed = {opened->second.get(), socket->get()};
    result<process> spawned = process::spawn(program);
    ASSERT_TRUE(spawned) << spawned.error().message();
    child_.emplace(std::move(*spawned));
  }
  void TearDown() override {
    child_.reset();
    lose_master();
    backend_test::TearDown();
  }

  address at() const { return at_; }
  process& child() { return *child_; }
  worker_channel& channel() { return channel_; }
  void lose_master() { channel_ = worker_channel(); }

  /// Until the worker says it; false: it is gone.
  task<bool> hears(worker_message wanted) {
    bool is_there = true;
    bool is_heard = false;
    while (is_there && !is_heard) {
      result<std::optional<worker_message>> told = co_await channel_.receive();
      is_there = told && *told;
      is_heard = is_there && **told == wanted;
    }
    co_return is_heard;
  }
  task<std::optional<int>> exit_code() {
    result<exit_status> end = co_await child_->wait();
    co_return end ? end->code() : std::nullopt;
  }

 private:
  address at_;
  worker_channel channel_;
  std::optional<process> child_;
};

TEST_P(worker_test, says_when_it_is_ready_and_drains_when_it_is_told) {
  start("echo");
  run([&]() -> task<> {
    const bool is_ready = co_await hears(worker_message::ready);
    EXPECT_TRUE(is_ready);
    served_client client = co_await join_workers(at());
    EXPECT_EQ(client.process, child().id());
    EXPECT_TRUE(channel().send(worker_message::drain));
    const bool is_draining = co_await hears(worker_message::draining);
    EXPECT_TRUE(is_draining);
    const std::string answer = co_await client.ask("last words");
    EXPECT_EQ(answer, "last words");
    client.connection = stream();
    const std::optional<int> code = co_await exit_code();
    EXPECT_EQ(code, 0);
  });
}

TEST_P(worker_test, ends_in_order_when_its_master_is_gone) {
  start("echo");
  run([&]() -> task<> {
    const bool is_ready = co_await hears(worker_message::ready);
    EXPECT_TRUE(is_ready);
    served_client client = co_await join_workers(at());
    lose_master();
    const std::string answer = co_await client.ask("last words");
    EXPECT_EQ(answer, "last words");
    client.connection = stream();
    const std::optional<int> code = co_await exit_code();
    EXPECT_EQ(code, 0);
  });
}

TEST_P(worker_test, without_a_master_it_still_keeps_the_deadline) {
  start("slow");
  run([&]() -> task<> {
    const bool is_ready = co_await hears(worker_message::ready);
    EXPECT_TRUE(is_ready);
    lose_master();
    const std::optional<int> code = co_await exit_code();
    EXPECT_EQ(code, 1);
  });
}

TEST_P(worker_test, drains_on_signals_and_takes_no_harm_of_sighup) {
  for (const int signal : {SIGTERM, SIGINT}) {
    start("echo");
    run([&]() -> task<> {
      const bool is_ready = co_await hears(worker_message::ready);
      EXPECT_TRUE(is_ready);
      EXPECT_TRUE(child().kill(SIGHUP));
      served_client client = co_await join_workers(at());
      EXPECT_EQ(client.process, child().id());
      client.connection = stream();
      EXPECT_TRUE(child().kill(signal));
      const bool is_draining = co_await hears(worker_message::draining);
      EXPECT_TRUE(is_draining);
      const std::optional<int> code = co_await exit_code();
      EXPECT_EQ(code, 0);
    });
  }
}

TEST_P(worker_test, says_that_it_is_alive_again_and_again) {
  start("echo", 5ms);
  run([&]() -> task<> {
    for (int i = 0; i < 3; ++i) {
      const bool is_alive = co_await hears(worker_message::alive);
      EXPECT_TRUE(is_alive);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, worker_test, with_each_loop(), name_of_backend);

// --- how it learns what it is ---

TEST(worker, without_a_master_is_none) {
  EXPECT_FALSE(worker::is_one());
  const auto none = worker::adopt();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), errc::invalid_argument);
}

TEST(worker, with_terms_that_it_does_not_understand_is_an_error_that_names_them) {
  const std::string seen = in_child([] {
    ::setenv(worker_terms::variable, "nonsense", 1);
    const auto none = worker::adopt();
    return none ? std::string("adopted") : none.error().message();
  });
  EXPECT_TRUE(seen.starts_with("WEIR_WORKER nonsense")) << seen;
}

TEST(worker, terms_read_back_as_they_were_written) {
  worker_terms terms = terms_of(1s);
  terms.sockets = {"http", "admin"};
  const auto read = worker_terms::parse(terms.to_string());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 7u);
  EXPECT_EQ(read->alive_every, 1s);
  EXPECT_EQ(read->drain_within, 100ms);
  EXPECT_EQ(read->sockets, terms.sockets);
  terms.sockets.clear();
  EXPECT_TRUE(worker_terms::parse(terms.to_string())->sockets.empty());
}

TEST(worker_event, says_who_and_how) {
  worker_event told(worker_event_kind::failed);
  told.worker = 2;
  told.process = 4711;
  told.end = exit_status(exit_status::ending::dumped, SIGSEGV);
  EXPECT_EQ(told.to_string(), "worker 2 (4711) failed: killed by SIGSEGV, core dumped");
  EXPECT_EQ(worker_event(worker_event_kind::reloaded).to_string(), "workers: reloaded");
}

} // namespace
} // namespace weir::test
