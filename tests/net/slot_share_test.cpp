// Readers that keep a little of each piece that they read, and so the slot behind it: their own streams are
// held back, the others are served, and they go on when slots are given back.
#include "datagram_ends.hpp"
#include "stream_ends.hpp"

#include <weir/async/with_deadline.hpp>
#include <weir/io/system_calls.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace weir::test {
namespace {

class slot_share : public stream_test {
 protected:
  void SetUp() override {
    stream_test::SetUp();
    loop_options small = options();
    small.buffers.budget_bytes = 1024 * small.buffers.slot_bytes;
    reopen(small);
  }

  /// A peer that sends all it can, and a reader that keeps what it reads.
  struct hoarder {
    explicit hoarder(stream_ends made) : ends(std::move(made)) {}
    stream_ends ends;
    std::vector<lease> kept{};
    std::size_t received_bytes = 0;
  };
  void send_and_keep(hoarder& one) {
    static const std::string text = pattern(1'000'000);
    while (calls().send(one.ends.theirs.number(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
      continue;
    while (std::optional<lease> piece = one.ends.ours.try_read()) {
      one.received_bytes += piece->size();
      one.kept.push_back(piece->share(0, std::min<std::size_t>(piece->size(), 16)));
    }
  }
  /// Until each is held back.
  task<> hoard(std::vector<std::unique_ptr<hoarder>>& all) {
    co_await until([&] {
      for (auto& each : all) send_and_keep(*each);
      return streams_over_share().size() >= all.size();
    });
  }
  std::vector<std::unique_ptr<hoarder>> hoarders(std::size_t count) {
    std::vector<std::unique_ptr<hoarder>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<hoarder>(connected()));
    return all;
  }
  std::vector<held_memory> streams_over_share() {
    std::vector<held_memory> found;
    on().for_each_holder([&](const memory_holder& each) {
      if (each.held().is_over_share) found.push_back(each.held());
    });
    return found;
  }
};

TEST_P(slot_share, of_several_that_keep_everything_leaves_the_others_served) {
  run([&]() -> task<> {
    auto guilty = hoarders(5);
    co_await hoard(guilty);
    EXPECT_GE(on().counters().receives_over_share, guilty.size());
    EXPECT_EQ(streams_over_share().size(), guilty.size()) << "every guilty one is named, and nobody else";
    EXPECT_GT(on().buffers().slots_max(), on().buffers().slots_in_use_peak()) << "slots ran out";

    stream_ends innocent = connected();
    for (int i = 0; i < 100; ++i) {
      co_await innocent.theirs.send("a request");
      const std::string heard = co_await read_text(innocent.ours, 9);
      EXPECT_EQ(heard, "a request");
    }
    // A piece that is kept until the next is there, as parsers do.
    co_await innocent.theirs.send("a");
    result<lease> first = co_await innocent.ours.read();
    co_await innocent.theirs.send("b");
    result<lease> second = co_await innocent.ours.read();
    EXPECT_TRUE(first && second && second->size() == 1);
    EXPECT_EQ(streams_over_share().size(), guilty.size());
  });
}

TEST_P(slot_share, of_one_alone_is_most_of_the_memory_and_no_more_than_its_share) {
  run([&]() -> task<> {
    auto guilty = hoarders(1);
    co_await hoard(guilty);
    const std::vector<held_memory> named = streams_over_share();
    EXPECT_EQ(named.size(), 1u);
    EXPECT_TRUE(named.front().is_paused);
    EXPECT_EQ(named.front().descriptor, guilty.front()->ends.ours.native_handle());
    EXPECT_GT(named.front().held_bytes, on().buffers().slots_max() / 2 * on().buffers().slot_bytes());
    EXPECT_LT(named.front().held_bytes, on().buffers().slots_max() * on().buffers().slot_bytes());
    EXPECT_EQ(named.front().unread_bytes, 0u);
  });
}

TEST_P(slot_share, that_was_used_up_goes_on_when_slots_are_given_back_and_nothing_is_lost) {
  run([&]() -> task<> {
    auto guilty = hoarders(2);
    co_await hoard(guilty);
    hoarder& penitent = *guilty.front();
    const std::size_t before = penitent.received_bytes;
    EXPECT_EQ(streams_over_share().size(), 2u);
    penitent.kept.clear(); // nothing is read and nothing is sent: only slots return
    co_await until([&] { return streams_over_share().size() < 2; });
    co_await until([&] {
      send_and_keep(penitent);
      return penitent.received_bytes > before;
    });
  });
}

TEST_P(slot_share, of_a_stream_that_ends_while_others_keep_its_bytes) {
  run([&]() -> task<> {
    auto guilty = hoarders(3);
    co_await hoard(guilty);
    std::vector<lease> survivors = std::move(guilty.front()->kept);
    guilty.erase(guilty.begin());
    co_await turns(5);
    EXPECT_EQ(survivors.front().size(), 16u);
    EXPECT_EQ(streams_over_share().size(), 2u);
    survivors.clear(); // they count for nobody, and yet the others hear of it
    co_await until([&] { return streams_over_share().empty(); });
  });
}

using datagram_share = backend_test;

TEST_P(datagram_share, of_a_socket_whose_reader_keeps_everything_leaves_slots_and_comes_back) {
  loop_options small = options();
  small.buffers.budget_bytes = 1024 * small.buffers.slot_bytes;
  reopen(small);
  run([&]() -> task<> {
    udp_pair pair;
    std::vector<lease> kept;
    const auto send_and_keep_one = [&]() -> task<result<bool>> {
      result<> sent = pair.theirs.try_send_to(bytes_of("a datagram"), pair.our_address);
      if (!sent) co_return fail(sent.error());
      result<datagram> next = co_await pair.ours.receive();
      if (!next) co_return fail(next.error());
      kept.push_back(std::move(next->bytes));
      co_return true;
    };
    bool goes_on = true;
    while (goes_on) {
      result<bool> kept_one = co_await with_deadline(50ms, send_and_keep_one());
      goes_on = kept_one.has_value();
    }
    EXPECT_GT(kept.size(), 500u);
    EXPECT_LT(kept.size(), 1024u);
    EXPECT_GT(on().buffers().slots_free(), 0u);
    EXPECT_GE(on().counters().receives_over_share, 1u);
    kept.clear();
    const std::string next = co_await next_text(pair.ours);
    EXPECT_EQ(next, "a datagram");
  });
}

INSTANTIATE_TEST_SUITE_P(backends, datagram_share, on_each_backend(), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, slot_share, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::test
