// A program of its own: linked with weir::blocking_trap, which the others are not.
#include "runtime_rig.hpp"

#include <weir/runtime/blocking_trap.hpp>

#include <netdb.h>
#include <poll.h>
#include <support/recorded.hpp>
#include <support/sockets.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

/// What the trap told since the test began; written on loops' threads, read when they are done.
std::vector<blocking_trap::blocking_call> told_of;

class blocking_trap_test : public testing::Test {
 protected:
  blocking_trap_test() : home_(make_loop()) {
    told_of.clear();
    blocking_trap::on_call(
        [](const blocking_trap::blocking_call& call) noexcept { told_of.push_back(call); });
  }
  ~blocking_trap_test() override { blocking_trap::on_call(blocking_trap::print_call); }

  /// Runs in the deferred phase of a turn.
  void on_loop(const std::function<void()>& body) {
    task_of_work item(body);
    home_->defer(item);
    home_->turn(0);
  }
  static std::string functions() {
    std::string names;
    for (const auto& each : told_of) names += std::string(each.function) + " ";
    return names;
  }

  std::unique_ptr<loop> home_;
};

TEST_F(blocking_trap_test, sees_sleeps_and_counts_them) {
  on_loop([] {
    ::usleep(1);
    std::this_thread::sleep_for(1us);
    std::this_thread::sleep_for(0us);
  });
  EXPECT_EQ(functions(), "usleep nanosleep ");
  EXPECT_EQ(home_->counters().calls_blocking, 2u);
  EXPECT_EQ(told_of[0].during.phase, loop_phase::deferred);
  EXPECT_NE(told_of[0].caller, nullptr);
}

TEST_F(blocking_trap_test, names_the_operation_whose_handler_blocks) {
  nop op;
  op.then = [] { ::usleep(1); };
  op.start(*home_);
  ASSERT_TRUE(wait_until(*home_, [&] { return op.is_done(); }));
  ASSERT_EQ(functions(), "usleep ");
  EXPECT_EQ(told_of[0].during.kind, operation_kind::nop);
  EXPECT_TRUE(std::string(told_of[0].during.where.file_name()).ends_with("blocking_trap_test.cpp"));
}

TEST_F(blocking_trap_test, sees_reads_that_would_wait_and_no_others) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const descriptor reading(ends[0]), writing(ends[1]);
  char letter = 0;
  on_loop([&] {
    EXPECT_EQ(::write(writing.get(), "x", 1), 1) << "there is room";
    EXPECT_EQ(::read(reading.get(), &letter, 1), 1) << "there is something";
  });
  EXPECT_EQ(functions(), "");
  std::thread later;
  on_loop([&] {
    later = std::thread([&] {
      while (home_->counters().calls_blocking == 0) std::this_thread::yield();
      (void)!::write(writing.get(), "y", 1);
    });
    EXPECT_EQ(::read(reading.get(), &letter, 1), 1);
  });
  later.join();
  EXPECT_EQ(functions(), "read ");
  EXPECT_EQ(told_of[0].descriptor, reading.get());
  EXPECT_EQ(letter, 'y');
}

TEST_F(blocking_trap_test, sees_polls_with_a_timeout_and_children_that_are_waited_for) {
  on_loop([] {
    pollfd nothing{-1, POLLIN, 0};
    ::poll(&nothing, 1, 0);
    ::poll(&nothing, 1, 1);
    ::waitpid(-1, nullptr, WNOHANG);
    ::waitpid(-1, nullptr, 0); // no children: fails at once
    addrinfo* found = nullptr;
    addrinfo numeric{};
    numeric.ai_flags = AI_NUMERICHOST;
    if (::getaddrinfo("127.0.0.1", nullptr, &numeric, &found) == 0) ::freeaddrinfo(found);
  });
  EXPECT_EQ(functions(), "poll waitpid getaddrinfo ");
}

TEST_F(blocking_trap_test, does_not_mind_the_loop_itself_nor_threads_without_one) {
  connection pair = connect_pair(transport::tcp);
  receive op(pair.ours.get(), 5);
  op.start(*home_);
  send_text(pair.theirs.get(), "hello");
  ASSERT_TRUE(wait_until(*home_, [&] { return op.is_done(); }));
  ::usleep(1);
  std::thread([] { ::usleep(1); }).join();
  EXPECT_EQ(functions(), "");
}

TEST_F(blocking_trap_test, prints_once_a_place_with_its_stack) {
  blocking_trap::on_call(blocking_trap::print_call);
  testing::internal::CaptureStderr();
  on_loop([] {
    for (int i = 0; i < 3; ++i) ::usleep(1);
  });
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_NE(printed.find("weir: usleep blocks the loop, in phase deferred:"), std::string::npos) << printed;
  EXPECT_EQ(printed.find("weir: usleep", 10), std::string::npos) << printed;
  EXPECT_NE(printed.find("weir_blocking_trap_tests"), std::string::npos) << printed;
}

} // namespace
} // namespace weir::test
