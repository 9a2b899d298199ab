// What every carrier of bytes promises, through the one type that stands for all of them.
#include "memory_stream.hpp"
#include "stream_ends.hpp"

#include <weir/net/byte_stream.hpp>

#include <vector>

namespace weir::test {
namespace {

static_assert(byte_stream<stream>);
static_assert(byte_stream<any_byte_stream>);
static_assert(!byte_stream<std::string>);

struct two_ends {
  two_ends(any_byte_stream one, any_byte_stream other) : left(std::move(one)), right(std::move(other)) {}
  any_byte_stream left;
  any_byte_stream right;
};

class byte_stream_test : public backend_test {
 protected:
  static two_ends over(transport which) {
    connection pair = connect_pair(which);
    return {std::move(*stream::adopt(std::move(pair.ours))),
            std::move(*stream::adopt(std::move(pair.theirs)))};
  }
  static two_ends in_memory(std::size_t piece_bytes) {
    memory_stream::limits bounds;
    bounds.piece_bytes = piece_bytes;
    auto [one, other] = memory_stream::pair(bounds);
    return {std::move(one), std::move(other)};
  }
  static std::vector<two_ends> all_kinds() {
    std::vector<two_ends> all;
    all.push_back(over(transport::tcp));
    all.push_back(over(transport::local));
    all.push_back(in_memory(1));
    all.push_back(in_memory(1000));
    return all;
  }

  static task<> write_all(any_byte_stream& to, std::string_view text) {
    bool goes_on = true;
    while (goes_on && !text.empty()) {
      result<std::size_t> count = co_await to.write(bytes_of(text));
      goes_on = count.has_value();
      EXPECT_TRUE(goes_on) << count.error().message();
      text.remove_prefix(count.value_or(0));
    }
  }
};

TEST_P(byte_stream_test, moves_bytes_in_order_and_ends_behind_them_in_each_direction) {
  const std::string text = pattern(20'000);
  run([&]() -> task<> {
    for (two_ends& ends : all_kinds()) {
      auto say = [&](any_byte_stream& to) -> task<> {
        co_await write_all(to, text);
        result<> done = co_await to.shutdown();
        EXPECT_TRUE(done);
      };
      auto [there, sent] = co_await when_all(read_to_end(ends.right), say(ends.left));
      EXPECT_TRUE(there == text);
      auto [back, answered] = co_await when_all(read_to_end(ends.left), say(ends.right));
      EXPECT_TRUE(back == text);
      result<> closed = co_await ends.left.close();
      EXPECT_TRUE(closed);
    }
  });
}

TEST_P(byte_stream_test, a_read_that_is_cancelled_took_nothing) {
  run([&]() -> task<> {
    for (two_ends& ends : all_kinds()) {
      result<lease> none = co_await with_deadline(1ms, ends.right.read());
      EXPECT_TRUE(none.error().is_timeout());
      co_await write_all(ends.left, "x");
      result<lease> piece = co_await ends.right.read();
      EXPECT_EQ(text_of(*piece), "x");
    }
  });
}

TEST_P(byte_stream_test, knows_the_other_end_where_the_carrier_does) {
  run([&]() -> task<> {
    const two_ends sockets = over(transport::tcp);
    const two_ends memory = in_memory(1);
    EXPECT_TRUE(sockets.left.remote_name().starts_with("127.0.0.1:"));
    EXPECT_EQ(memory.left.remote_name(), "");
    EXPECT_TRUE(memory.left);
    EXPECT_FALSE(any_byte_stream());
    co_return;
  });
}

INSTANTIATE_TEST_SUITE_P(backends, byte_stream_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
