#include "datagram_ends.hpp"

#include <weir/async/operations.hpp>
#include <weir/net/descriptor_stream.hpp>

#include <support/descriptors.hpp>
#include <unistd.h>

#include <array>

namespace weir::test {
namespace {

using descriptor_stream_test = backend_test;

task<std::string> read_once(descriptor_stream& from, std::vector<descriptor>& into, std::size_t most = 100) {
  std::vector<std::byte> bytes(most);
  result<received_along> came = co_await from.receive(bytes);
  if (!came) co_return came.error().message();
  for (descriptor& each : came->along.descriptors) into.push_back(std::move(each));
  co_return text_of(std::span(bytes).first(came->bytes));
}

/// Whether it is another number for the end that `theirs` is connected to.
bool leads_to(int theirs, int number) {
  send_text(number, "?");
  return read_text(theirs, 1) == "?";
}

TEST_P(descriptor_stream_test, passes_descriptors_with_the_bytes_that_they_were_sent_with) {
  run([&]() -> task<> {
    auto [one, other] = descriptor_stream::pair().value();
    const connection passed = connect_pair(transport::local);
    const std::array<int, 1> ours = {passed.ours.get()};
    transfer sent = co_await one.send(bytes_of("plain "));
    EXPECT_TRUE(sent);
    sent = co_await one.send(bytes_of("with one"), ours);
    EXPECT_TRUE(sent);
    sent = co_await one.send(bytes_of(" plain"));
    EXPECT_TRUE(sent);
    std::vector<descriptor> came;
    std::string heard;
    while (heard.find("with") == std::string::npos) {
      EXPECT_TRUE(came.empty());
      std::string next = co_await read_once(other, came, 5);
      heard += next;
    }
    EXPECT_EQ(came.size(), 1u);
    EXPECT_TRUE(leads_to(passed.theirs.get(), came.at(0).get()));
    while (heard.size() < 20) {
      std::string next = co_await read_once(other, came);
      heard += next;
    }
    EXPECT_EQ(heard, "plain with one plain");
    EXPECT_EQ(came.size(), 1u);
    one = descriptor_stream();
    std::string end = co_await read_once(other, came);
    EXPECT_EQ(end, "");
  });
}

/// What such a stream is for: a connection that one process has accepted is served by another.
TEST_P(descriptor_stream_test, hands_over_a_connection) {
  run([&]() -> task<> {
    const listening_socket door = listen_on(transport::local);
    const address at(door.to(), door.address_bytes);
    result<descriptor_stream> one = co_await descriptor_stream::connect(at);
    EXPECT_TRUE(one);
    result<descriptor> accepted = co_await async_accept(door.socket.get());
    descriptor_stream other = descriptor_stream::adopt(std::move(accepted).value()).value();

    connection client = connect_pair(transport::tcp);
    const std::array<int, 1> handed = {client.ours.get()};
    transfer sent = co_await one->send(bytes_of("1"), handed);
    EXPECT_TRUE(sent);
    client.ours.reset();
    std::vector<descriptor> came;
    std::string mark = co_await read_once(other, came);
    EXPECT_EQ(mark, "1");
    send_text(came.at(0).get(), "served");
    EXPECT_EQ(read_text(client.theirs.get(), 6), "served");
  });
}

TEST_P(descriptor_stream_test, sends_more_than_the_socket_holds_and_descriptors_once) {
  run([&]() -> task<> {
    auto [one, other] = descriptor_stream::pair().value();
    const std::string text = pattern(std::size_t{2} << 20);
    const std::array<int, 1> any = {one.native_handle()};
    auto say = [&]() -> task<transfer> { co_return co_await one.send(bytes_of(text), any); };
    std::vector<descriptor> came;
    auto hear = [&]() -> task<std::string> {
      std::string heard;
      while (heard.size() < text.size()) {
        std::string next = co_await read_once(other, came, 100'000);
        heard += next;
      }
      co_return heard;
    };
    auto [said, heard] = co_await when_all(say(), hear());
    EXPECT_TRUE(said);
    EXPECT_TRUE(heard == text);
    EXPECT_EQ(came.size(), 1u);
  });
}

TEST_P(descriptor_stream_test, keeps_no_more_descriptors_than_it_wants_and_leaks_none) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "credentials are not simulated";
  for (const std::size_t wanted : {0u, 1u, 2u, 3u}) {
    run([&]() -> task<> {
      descriptor_stream_options few;
      few.descriptors_max = wanted;
      few.tells_credentials = true;
      auto [one, other] = descriptor_stream::pair(few).value();
      const std::vector<int> many(10, one.native_handle());
      const std::size_t before = open_descriptors();
      transfer sent = co_await one.send(bytes_of("ten"), many);
      EXPECT_TRUE(sent);
      std::array<std::byte, 10> bytes;
      result<received_along> came = co_await other.receive(bytes);
      EXPECT_EQ(came.value().bytes, 3u);
      EXPECT_EQ(came->along.descriptors.size(), wanted);
      EXPECT_TRUE(came->along.were_descriptors_lost);
      EXPECT_EQ(came->along.credentials.value().process, ::getpid());
      EXPECT_EQ(open_descriptors(), before + wanted);
    });
  }
}

TEST_P(descriptor_stream_test, cancelled_takes_nothing) {
  run([&]() -> task<> {
    auto [one, other] = descriptor_stream::pair().value();
    std::array<std::byte, 10> bytes;
    result<received_along> none = co_await with_deadline(1ms, other.receive(bytes));
    EXPECT_TRUE(none.error().is_timeout());
    const std::array<int, 1> any = {one.native_handle()};
    transfer sent = co_await one.send(bytes_of("kept"), any);
    EXPECT_TRUE(sent);
    std::vector<descriptor> came;
    std::string heard = co_await read_once(other, came);
    EXPECT_EQ(heard, "kept");
    EXPECT_EQ(came.size(), 1u);
  });
}

TEST_P(descriptor_stream_test, refuses_what_cannot_be_sent) {
  run([&]() -> task<> {
    auto [one, other] = descriptor_stream::pair().value();
    const std::vector<int> too_many(descriptors_limit + 1, one.native_handle());
    transfer sent = co_await one.send(bytes_of("x"), too_many);
    EXPECT_EQ(sent.error(), errc::limit_reached);
    sent = co_await one.send(std::span<const std::byte>(), std::span(too_many).first(1));
    EXPECT_EQ(sent.error(), errc::invalid_argument) << "descriptors go with a byte";
    sent = co_await one.send(std::span<const std::byte>());
    EXPECT_TRUE(sent);
    other = descriptor_stream();
    sent = co_await one.send(bytes_of("x"));
    EXPECT_EQ(sent.error(), std::errc::broken_pipe);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, descriptor_stream_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
