// Whatever two messaging sockets need fails once at each place where it is needed. The asking side asks again
// until it is answered, so that a connection that broke is one that comes back.
#include <weir/async/with_nursery.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <support/exhaustion.hpp>
#include <support/zmtp_peers.hpp>

namespace weir::zmtp {
namespace {

using namespace weir::test;

constexpr std::size_t questions = 3;
constexpr int attempts_max = 400;

socket_options in_a_hurry() {
  socket_options options;
  options.reconnect_interval = 1ms;
  options.handshake_interval = 50ms;
  options.linger = 20ms;
  return options;
}

/// A number, and for the last a body that needs many reads.
message question(std::size_t number) {
  message made;
  made.add().assign(std::to_string(number));
  made.add().assign(std::string(number + 1 == questions ? 300'000 : 20, 'q'));
  return made;
}

task<result<>> answer_all(router& at) {
  for (;;) {
    message asked;
    result<> received = co_await at.receive(asked);
    if (!received) co_return received;
    result<> sent = co_await at.send(asked);
    if (!sent && sent.error() != errc::unroutable) co_return sent;
  }
}

task<result<>> await_answer(dealer& from, std::size_t number) {
  for (;;) {
    message got;
    result<> received = co_await from.receive(got);
    if (!received) co_return received;
    if (got.size() == 2 && got[0] == std::to_string(number)) co_return result<>();
  }
}

task<result<>> ask(dealer& from, std::size_t number) {
  result<> answered = fail(std::errc::timed_out, "ask");
  for (int i = 0; i < attempts_max && !answered; ++i) {
    message asked = question(number);
    result<> sent = co_await with_deadline(50ms, [](dealer& by, message& what) -> task<result<>> {
      co_return co_await by.send(what);
    }(from, asked));
    if (!sent) continue;
    answered = co_await with_deadline(50ms, await_answer(from, number));
  }
  co_return answered;
}

task<result<>> ask_all(dealer& from) {
  for (std::size_t i = 0; i < questions; ++i) {
    const result<> answered = co_await ask(from, i);
    if (!answered) co_return answered;
  }
  co_return result<>();
}

task<result<>> talk(router& server, dealer& client, std::string_view where) {
  const result<std::string> bound = server.bind(where);
  if (!bound) co_return fail(bound.error());
  const result<> connecting = client.connect(*bound);
  if (!connecting) co_return connecting;
  auto asking = [&](nursery& children) -> task<result<>> {
    const result<> admitted = co_await children.spawn(answer_all(server));
    if (!admitted) co_return admitted;
    const result<> answered = co_await ask_all(client);
    children.cancel();
    co_return answered;
  };
  co_return co_await with_nursery(nursery_options(1), asking);
}

task<result<>> talk_and_close(std::string_view where) {
  router server(in_a_hurry());
  dealer client(in_a_hurry());
  result<> outcome;
  std::exception_ptr thrown;
  try {
    outcome = co_await talk(server, client, where);
  } catch (...) {
    thrown = std::current_exception();
  }
  // A socket must be closed, also by a program that has no memory for a moment.
  for (socket* each : {static_cast<socket*>(&client), static_cast<socket*>(&server)}) {
    bool is_closed = false;
    while (!is_closed) {
      try {
        (void)co_await each->close();
        is_closed = true;
      } catch (const std::bad_alloc&) {
      }
    }
  }
  EXPECT_TRUE(outcome || !outcome.error().is_timeout()) << "what broke never came back";
  if (thrown) std::rethrow_exception(thrown);
  co_return outcome;
}

using zmtp_exhaustion = exhaustion_test;

TEST_P(zmtp_exhaustion, of_talking_sockets_is_survived_or_an_error) {
  fail_each_step_of([] { return within_patience(talk_and_close("tcp://127.0.0.1:*")); });
}

INSTANTIATE_TEST_SUITE_P(each, zmtp_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::zmtp
