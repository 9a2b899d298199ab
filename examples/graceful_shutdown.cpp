// A server on all cores that ends gracefully: at SIGTERM it accepts nobody any more, gives those that it
// serves five seconds to finish, then cancels them, and lists what does not end even so.
#include "graceful_shutdown_self_test.hpp"

#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/runtime/server.hpp>

#include <csignal>
#include <cstdio>
#include <string_view>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;

task<result<>> echo(stream client) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->empty()) co_return result<>();
    transfer sent = co_await client.write_all(*received);
    if (!sent) co_return fail(sent.error());
  }
}

// [graceful_shutdown]
task<result<>> serve_until_told(loop_group& loops, signal_set& wanted, server_options options) {
  server echoes(loops, *address::parse_ip("127.0.0.1:0"), options, echo);
  auto end = [&]() -> task<result<>> {
    result<signal_notice> told = co_await wanted.next();
    if (!told) co_return fail(told.error());
    echoes.stop_accepting();          // who is served goes on
    co_return co_await sleep_for(5s); // then `run` is cancelled, and with it who is still there
  };
  auto ended = co_await when_any(echoes.run(), end());
  const result<>& served = std::get<0>(ended.values);
  if (!served && served.error().is_cancelled()) co_return result<>();
  co_return served;
}

int run_server(server_options options) {
  auto control = loop::create(); // of the main thread
  if (!control) return 1;
  auto main = [&]() -> task<result<>> {
    result<signal_set> wanted = signal_set::open({SIGTERM, SIGINT}); // before there are other threads
    if (!wanted) co_return fail(wanted.error());
    auto loops = loop_group::start(); // one for each core
    if (!loops) co_return fail(loops.error());
    result<> served = co_await serve_until_told(**loops, *wanted, options);
    result<> ended = (*loops)->stop(1s); // lists what does not end
    co_return served ? ended : served;
  };
  result<> outcome = run(**control, main());
  if (!outcome) std::fprintf(stderr, "graceful_shutdown: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
// [/graceful_shutdown]

int main(int argc, char** argv) {
  const bool is_test = argc > 1 && std::string_view(argv[1]) == "--self-test";
  std::jthread client;
  server_options options(placement::least_loaded);
  options.on_listening = [&](const address& at) {
    std::printf("listening on %s\n", at.to_string().c_str());
    if (is_test) client = std::jthread(be_a_client, at);
  };
  return run_server(options);
}
