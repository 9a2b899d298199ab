// Connections that stay at a bound are named, once, and those that move are not.
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/net/stream.hpp>
#include <weir/runtime/held_back.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>

#include <vector>

namespace weir::test {
namespace {

/// A stream as the watch sees it.
struct pretended_connection : memory_holder {
  explicit pretended_connection(int descriptor) : memory_holder(tell) {
    held.kind = "stream";
    held.descriptor = descriptor;
    held.name = "peer";
  }
  static held_memory tell(const memory_holder& self) {
    return static_cast<const pretended_connection&>(self).held;
  }
  held_memory held;
};

class held_back_test : public backend_test {
 protected:
  void SetUp() override {
    backend_test::SetUp();
    options_.limit = 0ns;
    options_.on_report = [this](const held_back_report& told) { reports.push_back(told); };
  }
  /// As a stream does that comes to its bound.
  void pause(pretended_connection& which) {
    which.held.is_paused = true;
    ++on().counters().receives_paused;
  }

  held_back_options options_;
  std::vector<held_back_report> reports;
};

TEST_P(held_back_test, who_stays_at_a_bound_is_told_once_until_it_has_gone_on) {
  options_.limit = 1ms;
  held_back_watch watch(options_);
  pretended_connection one(7);
  on().add_holder(one);
  run([&]() -> task<> {
    watch.look(on());
    pause(one);
    watch.look(on());
    EXPECT_TRUE(reports.empty()) << "it has only just begun";
    for (int i = 0; i < 3; ++i) {
      co_await sleep_for(2ms);
      watch.look(on());
    }
    EXPECT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports.front().who.descriptor, 7);
    EXPECT_GE(reports.front().for_ns, 2'000'000u);

    one.held.is_paused = false;
    watch.look(on());
    EXPECT_EQ(watch.size(), 0u);
    pause(one);
    watch.look(on());
    co_await sleep_for(2ms);
    watch.look(on());
    EXPECT_EQ(reports.size(), 2u);
  });
}

TEST_P(held_back_test, who_moves_between_looks_is_not_told) {
  options_.limit = 1ms;
  held_back_watch watch(options_);
  pretended_connection one(7);
  on().add_holder(one);
  run([&]() -> task<> {
    pause(one);
    for (int i = 0; i < 5; ++i) {
      ++one.held.moved;
      watch.look(on());
      co_await sleep_for(2ms);
    }
    EXPECT_TRUE(reports.empty());
  });
}

TEST_P(held_back_test, the_worst_are_named_and_the_others_counted) {
  options_.reports_max = 2;
  held_back_watch watch(options_);
  std::vector<std::unique_ptr<pretended_connection>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<pretended_connection>(i));
    all.back()->held.unread_bytes = static_cast<std::size_t>(i) << 20;
    on().add_holder(*all.back());
    pause(*all.back());
  }
  watch.look(on());
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].who.descriptor, 4);
  EXPECT_EQ(reports[0].unnamed, 0u);
  EXPECT_EQ(reports[1].who.descriptor, 3);
  EXPECT_EQ(reports[1].unnamed, 3u);
}

TEST_P(held_back_test, says_why) {
  held_back_report told;
  told.who.kind = "stream";
  told.who.descriptor = 9;
  told.who.name = "127.0.0.1:40112";
  told.for_ns = 512'000'000;
  told.who.unread_bytes = told.who.unsent_bytes = 512 << 10;
  told.who.held_bytes = 4 << 20;
  told.who.is_full = true;
  const std::string head = "descriptor 9 (stream 127.0.0.1:40112) is held back for 512 ms: ";
  EXPECT_EQ(told.to_string(), head + "512 KiB are not taken by its peer, and writers wait");
  told.who.is_paused = true;
  EXPECT_EQ(told.to_string(), head + "512 KiB that it received are not read");
  told.who.is_over_share = true;
  told.unnamed = 2;
  EXPECT_EQ(told.to_string(),
            head + "4096 KiB of what it received are kept, more than its share; and 2 others");
}

TEST_P(held_back_test, a_task_looks_on_and_names_real_streams) {
  options_.look_every = 1ms;
  options_.limit = 2ms;
  run([&]() -> task<> {
    connection unread_pair = connect_pair(transport::tcp);
    connection unsent_pair = connect_pair(transport::tcp);
    result<stream> unread = stream::adopt(std::move(unread_pair.ours));
    result<stream> unsent = stream::adopt(std::move(unsent_pair.ours));
    EXPECT_TRUE(unread && unsent);
    const auto misbehave = [&]() -> task<> {
      const std::string much = pattern(16'000'000);
      std::string_view rest = much;
      auto write = [&]() -> task<> { (void)co_await unsent->write_all(std::as_bytes(std::span(much))); };
      auto feed = [&]() -> task<> {
        while (reports.size() < 2) {
          const ssize_t sent = ::send(unread_pair.theirs.get(), rest.data(), rest.size(), MSG_DONTWAIT);
          if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
          result<> slept = co_await sleep_for(1ms);
          if (!slept) co_return;
        }
      };
      (void)co_await when_any(write(), feed());
    };
    (void)co_await when_any(misbehave(), report_held_back(options_));
    EXPECT_EQ(reports.size(), 2u);
    for (const held_back_report& each : reports) {
      const bool is_reader = each.who.descriptor == unread->native_handle();
      EXPECT_EQ(each.who.is_paused, is_reader);
      EXPECT_EQ(each.who.is_full, !is_reader);
      EXPECT_EQ(each.who.name.substr(0, 10), "127.0.0.1:");
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, held_back_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
