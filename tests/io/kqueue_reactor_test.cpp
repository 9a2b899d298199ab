#include "reactor_rig.hpp"

#include <weir/io/kqueue_backend.hpp>
#include <weir/io/kqueue_reactor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <unistd.h>

#include <cerrno>

namespace weir::test {
namespace {

class kqueue_reactor_test : public reactor_rig {
 protected:
  void SetUp() override { open(make_reactor<kqueue_reactor>); }
};

TEST_F(kqueue_reactor_test, makes_one_event_of_what_is_reported_for_one_descriptor) {
  send_text(pair.theirs.get(), "x");
  const readiness both = readiness::readable | readiness::writable;
  ASSERT_EQ(demultiplexer->watch(ours, both), 0);
  ASSERT_EQ(demultiplexer->watch(pair.theirs.get(), both), 0);
  for (int waits = 0; waits < 2; ++waits) {
    const auto events = demultiplexer->wait(0);
    ASSERT_EQ(events.size(), 2u);
    for (const ready_event& event : events)
      EXPECT_EQ(event.events, event.descriptor == ours ? both : readiness::writable);
  }
}

TEST_F(kqueue_reactor_test, refuses_urgent_data_alone_where_there_is_no_filter_for_it) {
  const int watched = demultiplexer->watch(ours, readiness::priority);
  if (watched == 0) GTEST_SKIP() << "there is one";
  EXPECT_EQ(watched, -EOPNOTSUPP);
  send_text(pair.theirs.get(), "x");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::priority | readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::readable);
}

// --- ends ---

TEST_F(kqueue_reactor_test, waits_for_an_end_beside_unread_bytes) {
  send_text(pair.theirs.get(), "unread");
  ASSERT_EQ(demultiplexer->watch(ours, readiness::hangup), 0);
  EXPECT_EQ(ready(ours), readiness::none);
  EXPECT_GE(longest_wait_ns(5 * millisecond_ns), 5 * millisecond_ns) << "the bytes end the waits";
  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(ready(ours), readiness::hangup);
  EXPECT_EQ(ready(ours), readiness::hangup) << "for as long as it is so";
  ASSERT_EQ(demultiplexer->watch(ours, readiness::none), 0);
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(kqueue_reactor_test, reports_hangup_and_failure_unasked) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::writable), 0);
  pair.theirs.reset();
  EXPECT_EQ(ready(ours), readiness::writable | readiness::hangup);
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  EXPECT_EQ(ready(ours), readiness::readable | readiness::hangup);
  connection tcp = connect_pair(transport::tcp);
  ASSERT_EQ(demultiplexer->watch(tcp.ours.get(), readiness::readable), 0);
  reset(tcp);
  EXPECT_EQ(ready(tcp.ours.get()), readiness::readable | readiness::failed | readiness::hangup);
}

// --- which descriptors ---

TEST_F(kqueue_reactor_test, says_what_cannot_be_watched) {
  descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(demultiplexer->watch(file.get(), readiness::readable), -EPERM);
  descriptor directory(::open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  EXPECT_EQ(demultiplexer->watch(directory.get(), readiness::readable), -EPERM);
  const int number = pair.theirs.get();
  pair.theirs.reset();
  EXPECT_EQ(demultiplexer->watch(number, readiness::readable), -EBADF);
  EXPECT_EQ(demultiplexer->watch(-1, readiness::readable), -EBADF);
}

TEST_F(kqueue_reactor_test, forgets_a_number_that_was_given_to_a_regular_file) {
  ASSERT_EQ(demultiplexer->watch(ours, readiness::readable), 0);
  descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(file.get(), ours, O_CLOEXEC), ours);
  EXPECT_EQ(demultiplexer->watch(ours, readiness::readable), -EPERM);
  EXPECT_EQ(ready(ours), readiness::none);
}

TEST_F(kqueue_reactor_test, counts_its_system_calls) {
  const std::uint64_t before = counters.system_calls;
  demultiplexer->watch(ours, readiness::readable);
  demultiplexer->watch(ours, readiness::writable);
  EXPECT_EQ(counters.system_calls - before, 4u) << "each asks what it is, and changes all filters at once";
  demultiplexer->watch(ours, readiness::none);
  demultiplexer->watch(ours, readiness::none); // nothing to take away: no call
  EXPECT_EQ(counters.system_calls - before, 5u);
  demultiplexer->wait(0);
  demultiplexer->wait(1);
  EXPECT_EQ(counters.system_calls - before, 7u);
  EXPECT_EQ(counters.waits, 2u);
}

TEST(kqueue_reactor_creation, fails_without_descriptors_and_leaks_none) {
  loop_counters counters;
  const std::size_t open = open_descriptors();
  descriptor_limit limit(0);
  const auto made = kqueue_reactor::create(counters);
  limit.lift();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), std::errc::too_many_files_open);
  EXPECT_STREQ(made.error().operation(), "kqueue");
  EXPECT_EQ(open_descriptors(), open);
}

TEST(kqueue_backend_test, is_what_a_loop_can_be_made_with) {
  const auto made = loop::create(loop_options{}, kqueue_backend);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ((*made)->backend().name(), "kqueue");
  EXPECT_EQ((*made)->backend().execution_of(operation_kind::receive), execution::readiness);
}

INSTANTIATE_TEST_SUITE_P(kqueue, reactor_test, testing::Values(make_reactor<kqueue_reactor>));

} // namespace
} // namespace weir::test
