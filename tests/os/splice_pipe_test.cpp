// Bytes go from one descriptor to another through a pipe, and stop where the sink takes no more.
#include <weir/os/splice_pipe.hpp>

#include <support/coroutine_fixture.hpp>
#include <sys/socket.h>

#include <memory>

namespace weir::test {
namespace {

class splice_pipe_test : public backend_test {
 protected:
  void TearDown() override {
    near_.reset();
    far_.reset();
    backend_test::TearDown();
  }
  void connect_both(transport over) {
    near_ = std::make_unique<connection>(connect_pair(over));
    far_ = std::make_unique<connection>(connect_pair(over));
  }
  /// near_.theirs sends, near_.ours is the source, far_.ours the sink, far_.theirs receives.
  std::unique_ptr<connection> near_, far_;
};

TEST_P(splice_pipe_test, relays_until_the_source_ends) {
  for (const transport over : {transport::tcp, transport::local}) {
    connect_both(over);
    run([&]() -> task<> {
      const std::string text = pattern(100'000);
      transfer moved(0);
      auto relaying = [&]() -> task<> { moved = co_await relay(near_->ours.get(), far_->ours.get()); };
      std::string received;
      auto talking = [&]() -> task<> {
        for (std::size_t at = 0; at < text.size(); at += 10'000) {
          send_text(near_->theirs.get(), text.substr(at, 10'000));
          co_await until([&] {
            received += read_available(far_->theirs.get());
            return received.size() == at + 10'000;
          });
        }
        near_->theirs.reset();
      };
      co_await when_all(relaying(), talking());
      EXPECT_TRUE(moved);
      EXPECT_EQ(moved.bytes(), text.size());
      EXPECT_TRUE(received == text);
    });
  }
}

TEST_P(splice_pipe_test, a_sink_that_is_full_stops_the_source) {
  connect_both(transport::local);
  run([&]() -> task<> {
    cancellation scope;
    transfer moved(0);
    auto relaying = [&]() -> task<> {
      moved = co_await relay(near_->ours.get(), far_->ours.get()).under(&scope);
    };
    std::size_t sent = 0;
    auto filling = [&]() -> task<> {
      for (int idle_turns = 0; idle_turns < 20; ++idle_turns) { // until nothing moves any more
        const std::size_t taken = fill(near_->theirs.get());
        if (taken > 0) idle_turns = 0;
        sent += taken;
        co_await turns(2);
      }
      scope.request();
    };
    co_await when_all(relaying(), filling());
    EXPECT_TRUE(!moved && moved.error().is_cancelled());
    EXPECT_LT(moved.bytes(), sent);
    std::string received;
    co_await until([&] {
      received += read_available(far_->theirs.get());
      return received.size() >= moved.bytes();
    });
    EXPECT_EQ(received.size(), moved.bytes()) << "what it told is what the sink took";
  });
}

TEST_P(splice_pipe_test, a_sink_that_nobody_reads_is_an_error_and_no_signal) {
  connect_both(transport::local);
  run([&]() -> task<> {
    far_->theirs.reset();
    send_text(near_->theirs.get(), "lost");
    transfer moved = co_await relay(near_->ours.get(), far_->ours.get());
    EXPECT_EQ(moved.bytes(), 0u);
    EXPECT_TRUE(!moved && moved.error() == std::errc::broken_pipe);
  });
}

TEST_P(splice_pipe_test, keeps_what_it_took_when_it_is_cancelled) {
  connect_both(transport::local);
  run([&]() -> task<> {
    result<splice_pipe> way = splice_pipe::open();
    send_text(near_->theirs.get(), "hello");
    result<std::size_t> taken = co_await way->fill_from(near_->ours.get());
    EXPECT_EQ(taken.value_or(0), 5u);
    cancellation scope;
    scope.request();
    result<std::size_t> cancelled = co_await way->drain_to(far_->ours.get()).under(&scope);
    EXPECT_TRUE(!cancelled && cancelled.error().is_cancelled());
    EXPECT_EQ(way->held_bytes(), 5u);
    result<std::size_t> given = co_await way->drain_to(far_->ours.get());
    EXPECT_EQ(given.value_or(0), 5u);
    EXPECT_EQ(read_text(far_->theirs.get(), 5), "hello");
  });
}

INSTANTIATE_TEST_SUITE_P(backends, splice_pipe_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
