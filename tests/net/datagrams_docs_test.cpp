// The examples of docs/datagrams.md, as they stand there.
#include "datagram_ends.hpp"

#include <weir/async/when_any.hpp>
#include <weir/net/descriptor_stream.hpp>
#include <weir/net/unix_datagram.hpp>

#include <array>

namespace weir::test {
namespace {

// [examples]
task<result<>> answer_all(udp_socket& clients) {
  for (;;) {
    result<datagram> asked = co_await clients.receive();
    if (!asked) co_return fail(asked.error());
    result<> answered = co_await clients.send_to(asked->bytes, asked->from);
    if (!answered && answered.error().is_cancelled()) co_return answered;
  }
}

task<result<>> send_block(udp_socket& to_peer, std::span<const std::byte> block) {
  transfer sent = co_await to_peer.send_segments(block, 1200);
  if (!sent) co_return fail(sent.error()); // sent.bytes() have left, in whole datagrams
  co_return result<>();
}

task<result<datagram>> ask(udp_socket& server, std::span<const std::byte> question) {
  result<> sent = co_await server.send(question);
  if (!sent) co_return fail(sent.error());
  co_return co_await with_deadline(1s, server.receive()); // connection_refused, timed_out, or the answer
}

task<result<descriptor>> receive_one_descriptor(unix_datagram& from) {
  result<passed_message> message = co_await from.receive();
  if (!message) co_return fail(message.error());
  if (message->along.descriptors.empty()) co_return fail(errc::protocol, "no descriptor");
  co_return std::move(message->along.descriptors.front());
}

task<result<>> hand_over(descriptor_stream& to, descriptor connection) {
  const std::array<int, 1> handed = {connection.get()};
  transfer sent = co_await to.send(std::as_bytes(std::span("c", 1)), handed);
  if (!sent) co_return fail(sent.error());
  co_return result<>(); // ours closes here, theirs goes on
}

using datagrams_docs_test = backend_test;

TEST_P(datagrams_docs_test, udp) {
  run([&]() -> task<> {
    udp_socket server = udp_socket::bind(loopback_port()).value();
    udp_socket client = udp_socket::connect(server.local_address().value()).value();
    auto talk = [&]() -> task<> {
      result<datagram> answer = co_await ask(client, bytes_of("hello"));
      EXPECT_EQ(text_of(answer.value().bytes), "hello");
      result<> sent = co_await send_block(client, bytes_of(pattern(3000)));
      EXPECT_TRUE(sent);
      for (const std::size_t size : {1200u, 1200u, 600u}) {
        result<datagram> part = co_await client.receive();
        EXPECT_EQ(part.value().bytes.size(), size);
      }
    };
    auto outcome = co_await when_any(talk(), answer_all(server));
    EXPECT_EQ(outcome.first, 0u);
  });
}

TEST_P(datagrams_docs_test, descriptors) {
  run([&]() -> task<> {
    auto [one, other] = unix_datagram::pair().value();
    const std::array<int, 1> any = {one.native_handle()};
    result<void> sent = co_await one.send(bytes_of("x"), any);
    EXPECT_TRUE(sent);
    result<descriptor> came = co_await receive_one_descriptor(other);
    EXPECT_TRUE(came);

    auto [here, there] = descriptor_stream::pair().value();
    result<> handed = co_await hand_over(here, std::move(came).value());
    EXPECT_TRUE(handed);
    std::array<std::byte, 10> bytes;
    result<received_along> arrived = co_await there.receive(bytes);
    EXPECT_EQ(arrived.value().along.descriptors.size(), 1u);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, datagrams_docs_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
