// A file goes to a socket whole, as fast as the peer reads, and tells how far it came when it cannot go on.
#include "fs_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/fs/send_file.hpp>

#include <support/sockets.hpp>

namespace weir::test {
namespace {

class send_file_test : public fs_test {
 protected:
  send_file_test() : fs_test(scratch_directory::memory()) {}

  bool is_waiting_for_room() {
    bool is_waiting = false;
    on().for_each_outstanding(
        [&](const operation& each) { is_waiting = is_waiting || each.kind() == operation_kind::poll; });
    return is_waiting;
  }
};

task<std::string> read_all_of(int socket, std::size_t bytes) {
  std::string received(bytes, '.');
  result<std::size_t> got = co_await async_receive(socket, memory_of(received), true);
  EXPECT_EQ(got.value_or(0), bytes);
  co_return received;
}

TEST_P(send_file_test, sends_a_part_or_all_of_it) {
  for (const transport over : {transport::tcp, transport::local}) {
    run([&]() -> task<> {
      const connection pair = connect_pair(over);
      const std::string text = pattern(1'000'000); // more than pipe and socket hold
      file content = co_await opened(scratch_.write("file", text));
      transfer sent(0);
      auto sending = [&]() -> task<> {
        sent = co_await send_file(pair.ours.get(), content, 5, text.size() - 5);
      };
      std::string received;
      auto receiving = [&]() -> task<> {
        received = co_await read_all_of(pair.theirs.get(), text.size() - 5);
      };
      co_await when_all(sending(), receiving());
      EXPECT_TRUE(sent);
      EXPECT_EQ(sent.bytes(), text.size() - 5);
      EXPECT_TRUE(received == text.substr(5));
    });
  }
}

/// It would be taken for "where the file stands".
TEST_P(send_file_test, refuses_an_offset_that_no_file_has) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    file content = co_await opened(scratch_.write("file", "0123456789"));
    transfer sent = co_await send_file(pair.ours.get(), content, ~std::uint64_t{0}, 5);
    EXPECT_TRUE(!sent && sent.error() == std::errc::invalid_argument) << sent.bytes();
    transfer beyond = co_await send_file(pair.ours.get(), content, 5, ~std::size_t{0});
    EXPECT_TRUE(!beyond && beyond.error() == std::errc::invalid_argument) << beyond.bytes();
    EXPECT_EQ(unread_bytes(pair.theirs.get()), 0u);
  });
}

TEST_P(send_file_test, of_a_file_that_is_too_short_tells_how_much_there_was) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    file content = co_await opened(scratch_.write("file", "0123456789"));
    transfer sent = co_await send_file(pair.ours.get(), content, 0, 20);
    EXPECT_EQ(sent.bytes(), 10u);
    EXPECT_EQ(sent.error(), errc::end_of_stream);
    EXPECT_EQ(sent.error().endpoint(), content.path());
    EXPECT_EQ(read_available(pair.theirs.get()), "0123456789");
  });
}

TEST_P(send_file_test, to_a_peer_that_is_gone_is_an_error_and_no_signal) {
  run([&]() -> task<> {
    connection pair = connect_pair(transport::local);
    file content = co_await opened(scratch_.write("file", pattern(100'000)));
    pair.theirs.reset();
    transfer sent = co_await send_file(pair.ours.get(), content, 0, 100'000);
    EXPECT_FALSE(sent);
    EXPECT_EQ(sent.error(), std::errc::broken_pipe);
  });
}

TEST_P(send_file_test, to_a_peer_that_does_not_read_waits_until_it_is_cancelled) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    const std::string text = pattern(4u << 20);
    file content = co_await opened(scratch_.write("file", text));
    cancellation scope;
    transfer sent(0);
    auto sending = [&]() -> task<> {
      sent = co_await send_file(pair.ours.get(), content, 0, text.size()).under(&scope);
    };
    auto cancelling = [&]() -> task<> {
      co_await until([&] { return is_waiting_for_room(); });
      scope.request();
    };
    co_await when_all(sending(), cancelling());
    EXPECT_TRUE(!sent && sent.error().is_cancelled());
    EXPECT_EQ(read_text(pair.theirs.get(), sent.bytes()), text.substr(0, sent.bytes()));
    EXPECT_EQ(read_available(pair.theirs.get()), "") << "what it told is what was sent";
  });
}

INSTANTIATE_TEST_SUITE_P(backends, send_file_test, each_way_of_files(), name_of_backend);

} // namespace
} // namespace weir::test
