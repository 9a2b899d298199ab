// A process with one socket in it, for tests that are written with another library:
//     weir_zmtp_peer router|dealer bind|connect ENDPOINT ACTION
// Its first line tells where it is. Actions:
//     echo             sends every message back
//     print            writes each message to standard output: a line "PARTS BYTES", then the last part
//     print-when-told  the same once there is something on standard input: until then its
//                      consumer is stalled, at a high-water mark of 10 and with a credit of
//                      one slot, so that the rest stays in the kernel
//     send-and-leave   sends as many messages as a line on standard input says, each its
//                      number in 1024 bytes, and ends when the kernel has them
// Without an end of its own it ends when it is killed.
#include <weir/async/offload.hpp>
#include <weir/async/run.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <support/processes.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

using namespace weir;

namespace {

struct arguments {
  std::string_view kind, role, endpoint, action;
};

std::unique_ptr<zmtp::socket> open_socket(const arguments& wanted) {
  zmtp::socket_options options;
  options.routing_id = "weir";
  options.probe_router = wanted.action == "echo"; // tells the peer that it may begin
  options.reconnect_interval = std::chrono::milliseconds(10);
  if (wanted.action == "print-when-told") {
    options.receive_hwm = 10;
    options.stream.credit_bytes = 1;
  }
  if (wanted.kind == "router") return std::make_unique<zmtp::router>(std::move(options));
  return std::make_unique<zmtp::dealer>(std::move(options));
}

result<std::string> attach(zmtp::socket& which, const arguments& wanted) {
  if (wanted.role == "bind") return which.bind(wanted.endpoint);
  result<> connected = which.connect(wanted.endpoint);
  if (!connected) return fail(std::move(connected).error());
  return std::string(wanted.endpoint);
}

task<result<>> echo(zmtp::socket& on) {
  zmtp::message message;
  result<> done;
  while (done) {
    done = co_await on.receive(message);
    if (done) done = co_await on.send(message);
  }
  co_return done;
}

/// Blocks where its reader is slow: the whole process is the consumer then.
void print(const zmtp::message& which) {
  const std::string_view last = which[which.size() - 1].text();
  std::printf("%zu %zu\n", which.size(), last.size());
  std::fwrite(last.data(), 1, last.size(), stdout);
  std::fflush(stdout);
}

/// Meanwhile the loop turns.
task<result<>> told() {
  auto read = [] { return std::getchar(); };
  result<int> done = co_await offload(pool_class::user, read);
  if (!done) co_return fail(std::move(done).error());
  co_return result<>();
}

task<result<>> print_all(zmtp::socket& from, bool waits_to_be_told) {
  result<> done;
  if (waits_to_be_told) done = co_await told();
  zmtp::message message;
  while (done) {
    done = co_await from.receive(message);
    if (done) print(message);
  }
  co_return done;
}

task<result<>> send_and_leave(zmtp::socket& to) {
  int count = 0;
  result<> done;
  if (std::scanf("%d", &count) != 1) done = fail(errc::invalid_argument, "how many?");
  for (int number = 0; done && number < count; ++number) {
    std::string body = std::to_string(number) + " ";
    body.resize(1024, 'x');
    zmtp::message message;
    message.add(zmtp::frame(body));
    done = co_await to.send(message);
  }
  co_return done;
}

task<result<>> act(zmtp::socket& with, std::string_view action) {
  if (action == "echo") return echo(with);
  if (action == "send-and-leave") return send_and_leave(with);
  return print_all(with, action == "print-when-told");
}

task<result<>> serve(arguments wanted) {
  const std::unique_ptr<zmtp::socket> socket = open_socket(wanted);
  result<std::string> attached = attach(*socket, wanted);
  result<> outcome;
  if (!attached) {
    outcome = fail(std::move(attached).error());
  } else {
    std::puts(attached->c_str());
    std::fflush(stdout);
    outcome = co_await act(*socket, wanted.action);
  }
  (void)co_await socket->close();
  co_return outcome;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  test::prepare_child();
  auto loop = loop::create();
  if (!loop) return 1;
  const result<> outcome = run(**loop, serve({argv[1], argv[2], argv[3], argv[4]}));
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
