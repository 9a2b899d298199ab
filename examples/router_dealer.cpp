// Messaging in one file: a ROUTER that answers and a DEALER that asks, on one loop. Either could as well be
// in another process, on another machine, or written with another library that speaks ZMTP.
#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <tuple>

using namespace weir;

/// A request has the routing id of its client in front; left there, it brings the answer back.
task<result<>> answer(zmtp::router& service) {
  zmtp::message request;
  for (;;) {
    result<> received = co_await service.receive(request);
    if (!received) co_return received;
    request.add(zmtp::frame(" is what you said"));
    result<> sent = co_await service.send(request); // waits while the client's queue is full
    if (!sent) co_return sent;
  }
}

task<result<>> ask(zmtp::dealer& client, int questions) {
  zmtp::message reply;
  for (int i = 1; i <= questions; ++i) {
    const std::string question = "question " + std::to_string(i);
    zmtp::message request;
    request.add(zmtp::frame(question));
    result<> sent = co_await client.send(request);
    if (!sent) co_return sent;
    result<> received = co_await client.receive(reply);
    if (!received) co_return received;
    std::printf("%s%s\n", std::string(reply[0].text()).c_str(), std::string(reply[1].text()).c_str());
    if (reply[0] != question) co_return fail(errc::protocol, "the answer to another question");
  }
  co_return result<>{};
}

task<result<>> talk(int questions) {
  zmtp::router service;
  zmtp::dealer client;
  result<> outcome;
  result<std::string> bound = service.bind("tcp://127.0.0.1:*");
  if (bound) {
    outcome = client.connect(*bound);
  } else {
    outcome = fail(bound.error());
  }
  if (outcome) {
    auto ended = co_await when_any(ask(client, questions), answer(service));
    outcome = std::get<0>(ended.values);
  }
  (void)co_await client.close();
  (void)co_await service.close();
  co_return outcome;
}

/// `--self-test` is no different: the questions are checked against the answers anyway.
int main(int argc, char** argv) {
  const bool is_test = argc > 1 && std::string_view(argv[1]) == "--self-test";
  auto loop = loop::create();
  if (!loop) return 1;
  const result<> outcome = run(**loop, talk(is_test ? 1000 : 3));
  if (!outcome) std::fprintf(stderr, "router_dealer: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
