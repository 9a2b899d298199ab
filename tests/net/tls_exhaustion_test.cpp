// What a TLS connection needs fails once at each place: in the handshake, while bytes go both ways, at its
// end.
#include "tls_ends.hpp"

#include <support/exhaustion.hpp>

namespace weir::test {
namespace {

constexpr std::size_t carried_bytes = 120'000; // more than the carrier takes at once

using tls_exhaustion = exhaustion_test;

task<result<>> send_through(tls_stream& to, const std::string& text) {
  const transfer sent = co_await to.write_all(bytes_of(text));
  if (!sent) co_return fail(sent.error());
  co_return co_await to.shutdown();
}

task<result<>> take_through(tls_stream& from, std::string& into) {
  for (;;) {
    result<lease> piece = co_await from.read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return result<>();
    into += text_of(piece->bytes());
  }
}

task<result<>> exchange_both_ways(tls_stream stream, std::string text) {
  std::string taken;
  result<> moved = co_await side_by_side(send_through(stream, text), take_through(stream, taken));
  if (!moved) co_return moved;
  EXPECT_EQ(taken.size(), carried_bytes);
  co_return co_await stream.close();
}

task<result<>> as_tls_client(any_byte_stream carrier, tls_context as) {
  result<tls_stream> made =
      co_await tls_stream::connect(std::move(carrier), std::move(as), tls_connect_options("localhost"));
  if (!made) co_return fail(made.error());
  co_return co_await exchange_both_ways(std::move(*made), pattern(carried_bytes));
}

task<result<>> as_tls_server(any_byte_stream carrier, tls_context as) {
  result<tls_stream> made = co_await tls_stream::accept(std::move(carrier), std::move(as));
  if (!made) co_return fail(made.error());
  co_return co_await exchange_both_ways(std::move(*made), pattern(carried_bytes));
}

task<result<>> talk_tls(tls_context client, tls_context server) {
  connection sockets;
  {
    const spared of_faults;
    sockets = connect_pair(transport::local);
  }
  result<stream> ours = stream::adopt(std::move(sockets.ours));
  if (!ours) co_return fail(ours.error());
  result<stream> theirs = stream::adopt(std::move(sockets.theirs));
  if (!theirs) co_return fail(theirs.error());
  any_byte_stream our_carrier(std::move(*ours));
  any_byte_stream their_carrier(std::move(*theirs));
  co_return co_await side_by_side(as_tls_client(std::move(our_carrier), std::move(client)),
                                  as_tls_server(std::move(their_carrier), std::move(server)));
}

TEST_P(tls_exhaustion, of_a_connection_is_an_error_that_leaks_nothing) {
  const tls_settings settings = plain_settings();
  const tls_context client = context_of(settings.client);
  const tls_context server = context_of(settings.server);
  fail_each_step_of([&] { return within_patience(talk_tls(client, server)); });
}

class tls_context_exhaustion : public exhaustion_test {};

task<result<>> make_contexts(const tls_settings& settings) {
  result<tls_context> client = tls_context::client(settings.client);
  if (!client) co_return fail(client.error());
  result<tls_context> server = tls_context::server(settings.server);
  if (!server) co_return fail(server.error());
  co_return result<>();
}

TEST_P(tls_context_exhaustion, is_an_error_that_leaks_nothing) {
  const tls_settings settings = plain_settings();
  fail_each_step_of([&] { return make_contexts(settings); });
}

INSTANTIATE_TEST_SUITE_P(each, tls_exhaustion, each_fault(), name_of_fault);
INSTANTIATE_TEST_SUITE_P(each, tls_context_exhaustion, each_of(fault_kind::allocation), name_of_fault);

} // namespace
} // namespace weir::test
