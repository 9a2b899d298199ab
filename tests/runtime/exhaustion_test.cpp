// What loops on threads, gates, workers and what looks inside need fails once at each place.
#include <weir/async/operations.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/unix_datagram.hpp>
#include <weir/runtime/accept_gate.hpp>
#include <weir/runtime/inspector.hpp>
#include <weir/runtime/loop_channel.hpp>
#include <weir/runtime/loop_group.hpp>
#include <weir/runtime/master.hpp>
#include <weir/runtime/metrics.hpp>
#include <weir/runtime/systemd_notifier.hpp>
#include <weir/runtime/systemd_sockets.hpp>

#include <fcntl.h>
#include <support/exhaustion.hpp>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace weir::test {
namespace {

/// Of the loop that the scenario runs on.
class runtime_exhaustion : public exhaustion_test {};
/// Of that, and of threads beside it.
class threads_exhaustion : public exhaustion_test {};

// --- loops ---

constexpr int numbers_sent = 3;

task<result<>> send_from_another(loop_channel<int>& numbers) {
  auto out = numbers.make_sender();
  for (int i = 0; i < numbers_sent; ++i) {
    result<> sent = co_await out.send(int{i});
    if (!sent) co_return sent;
  }
  co_return result<>();
}

task<result<>> talk_between_loops(loop_options options) {
  loop_group_options wanted(2);
  wanted.loop = options;
  wanted.pinned = false;
  result<std::unique_ptr<loop_group>> group = loop_group::start(wanted);
  if (!group) co_return fail(group.error());
  loop_channel<int> numbers(2 * numbers_sent);
  auto in = numbers.make_receiver();
  auto send = [&numbers] { return send_from_another(numbers); };
  result<> sent = co_await (*group)->run_on(1, send);
  if (!sent) co_return sent;
  for (int i = 0; i < numbers_sent; ++i) {
    result<int> got = co_await in.receive();
    if (!got) co_return fail(got.error());
    EXPECT_EQ(*got, i);
  }
  co_return result<>();
}

TEST_P(threads_exhaustion, of_loops_and_channels_between_them_is_an_error) {
  fail_each_step_of([this] { return within_patience(talk_between_loops(options_)); });
}

// --- gates ---

task<result<>> admit_and_release(accept_gate& gate, listener& door) {
  for (int guests = 0; guests < 2; ++guests) {
    result<admitted> guest = co_await gate.accept(door); // the second waits for the end of the first
    if (!guest) co_return fail(guest.error());
    result<> closed = co_await async_close(std::move(guest->connection));
    if (!closed) co_return closed;
  }
  co_return result<>();
}

task<result<>> come_through_a_gate(overload policy) {
  listen_options options;
  options.accepted_max = 0;
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"), options);
  if (!door) co_return fail(door.error());
  accept_gate gate(gate_options(1, policy));
  result<stream> one = co_await stream::connect(door->local_address());
  if (!one) co_return fail(one.error());
  result<stream> other = co_await stream::connect(door->local_address());
  if (!other) co_return fail(other.error());
  co_return co_await admit_and_release(gate, *door);
}

TEST_P(runtime_exhaustion, of_a_gate_that_lets_wait_is_survived_or_an_error) {
  fail_each_step_of([] { return within_patience(come_through_a_gate(overload::wait)); });
}

task<result<>> serve_guest(admitted guest) {
  result<stream> served = stream::adopt(std::move(guest.connection));
  if (!served) co_return fail(served.error());
  const transfer greeted = co_await served->write_all(std::as_bytes(std::span("come in")));
  if (!greeted) co_return fail(greeted.error());
  result<lease> last = co_await served->read();
  if (!last) co_return fail(last.error());
  co_return co_await served->close();
}

task<result<>> serve_next(accept_gate& gate, listener& door) {
  result<admitted> guest = co_await gate.accept(door);
  if (!guest) co_return fail(guest.error());
  co_return co_await serve_guest(std::move(*guest));
}

task<result<>> serve_two(accept_gate& gate, listener& door) {
  result<admitted> guest = co_await gate.accept(door);
  if (!guest) co_return fail(guest.error());
  co_return co_await side_by_side(serve_guest(std::move(*guest)), serve_next(gate, door));
}

/// Nothing where it was turned away, without a greeting.
task<result<std::optional<stream>>> come(address at) {
  result<stream> guest = co_await stream::connect(at);
  if (!guest) co_return fail(guest.error());
  result<lease> greeting = co_await guest->read();
  if (!greeting) co_return fail(greeting.error());
  if (greeting->empty()) co_return std::nullopt;
  co_return std::move(*guest);
}

/// Comes until it is let in.
task<result<stream>> enter(address at) {
  for (;;) {
    result<std::optional<stream>> guest = co_await come(at);
    if (!guest) co_return fail(guest.error());
    if (*guest) co_return std::move(**guest);
  }
}

task<result<>> be_guests(address at) {
  result<stream> first = co_await enter(at);
  if (!first) co_return fail(first.error());
  result<std::optional<stream>> second = co_await come(at);
  if (!second) co_return fail(second.error());
  EXPECT_FALSE(*second) << "the house was full";
  result<> left = co_await first->close();
  if (!left) co_return left;
  result<stream> next = co_await enter(at);
  if (!next) co_return fail(next.error());
  co_return co_await next->close();
}

task<result<>> turn_away_at_a_gate() {
  listen_options options;
  options.accepted_max = 0;
  result<listener> door = listener::bind(*address::parse_ip("127.0.0.1:0"), options);
  if (!door) co_return fail(door.error());
  accept_gate gate(gate_options(1, overload::shed));
  co_return co_await side_by_side(serve_two(gate, *door), be_guests(door->local_address()));
}

TEST_P(runtime_exhaustion, of_a_gate_that_sheds_is_survived_or_an_error) {
  fail_each_step_of([] { return within_patience(turn_away_at_a_gate()); });
}

// --- looking inside ---

task<result<>> ask_for_metrics(std::string path) {
  metrics_registry loops;
  const metrics_registry::membership shown(*loop::current(), "home", loops);
  result<std::unique_ptr<inspector>> inside = inspector::open(path, loops);
  if (!inside) co_return fail(inside.error());
  result<stream> asking = co_await stream::connect(*address::unix_path(path));
  if (!asking) co_return fail(asking.error());
  constexpr std::string_view question = "GET /metrics HTTP/1.0\r\n\r\n";
  const transfer sent = co_await asking->write_all(std::as_bytes(std::span(question)));
  if (!sent) co_return fail(sent.error());
  std::size_t answered = 0;
  for (;;) {
    result<lease> piece = co_await asking->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    answered += piece->size();
  }
  if (answered == 0) co_return fail(std::errc::connection_reset, "inspector");
  co_return co_await asking->close();
}

TEST_P(threads_exhaustion, of_an_inspector_is_an_error_and_leaves_no_path) {
  const std::string path = "/tmp/weir-exhaustion-" + std::to_string(::getpid()) + ".inspector";
  fail_each_step_of([&] { return within_patience(ask_for_metrics(path)); });
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

// --- the service manager ---

void tell_environment(const char* name, const std::string& value) {
  const spared of_faults;
  ::setenv(name, value.c_str(), 1);
}

task<result<>> tell_the_manager() {
  result<unix_datagram> manager = unix_datagram::bind(address());
  if (!manager) co_return fail(manager.error());
  result<address> at = manager->local_address();
  if (!at) co_return fail(at.error());
  tell_environment("NOTIFY_SOCKET", at->to_string());
  result<systemd_notifier> notifier = systemd_notifier::from_environment();
  if (!notifier) co_return fail(notifier.error());
  result<> told = co_await notifier->ready("serves");
  if (!told) co_return told;
  result<passed_message> heard = co_await with_deadline(100ms, manager->receive());
  if (!heard) co_return fail(heard.error());
  const std::string text(reinterpret_cast<const char*>(heard->bytes.data()), heard->bytes.size());
  EXPECT_EQ(text, "READY=1\nSTATUS=serves");
  co_return result<>();
}

TEST_P(runtime_exhaustion, of_words_to_systemd_is_an_error) {
  fail_each_step_of([] { return within_patience(tell_the_manager()); });
}

/// Numbers that are open until this goes, unless somebody has taken and closed them.
class passed_sockets {
 public:
  static constexpr int first = 900;
  passed_sockets() {
    const spared of_faults;
    for (int number = first; number < first + 2; ++number) ::dup2(STDIN_FILENO, number);
  }
  ~passed_sockets() {
    const spared of_faults;
    for (int number = first; number < first + 2; ++number)
      if (::fcntl(number, F_GETFD) >= 0) ::close(number);
  }
  passed_sockets(const passed_sockets&) = delete;
  passed_sockets& operator=(const passed_sockets&) = delete;
};

task<result<>> take_passed_sockets() {
  const passed_sockets open;
  tell_environment("LISTEN_PID", std::to_string(::getpid()));
  tell_environment("LISTEN_FDS", "2");
  tell_environment("LISTEN_FDNAMES", "one:other");
  result<std::vector<named_socket>> taken = take_systemd_sockets(passed_sockets::first);
  if (!taken) co_return fail(taken.error());
  EXPECT_EQ(taken->size(), 2u);
  co_return result<>();
}

class activation_exhaustion : public exhaustion_test {};
TEST_P(activation_exhaustion, is_an_error) {
  fail_each_step_of([] { return take_passed_sockets(); });
}

// --- workers ---

/// A worker that says that it is ready, and ends when it is told anything.
master_options quick_workers() {
  master_options options;
  options.sockets.emplace_back("door", *address::parse_ip("127.0.0.1:0"));
  options.workers = 2;
  options.program = command("/usr/bin/python3", {"-ISc", "import os, select\n"
                                                         "os.write(3, b'r')\n"
                                                         "select.select([3], [], [])"});
  options.ready_within = options.drain_within = options.end_within = 500ms;
  options.on_event = [](const worker_event&) {};
  return options;
}

task<result<>> govern_workers() {
  result<std::unique_ptr<master>> boss = master::create(quick_workers());
  if (!boss) co_return fail(boss.error());
  auto both = [&](nursery& children) -> task<result<>> {
    auto govern = [&]() -> task<result<>> { co_return co_await (*boss)->run(); };
    result<> spawned = co_await children.spawn(govern());
    if (!spawned) co_return spawned;
    while ((*boss)->workers_ready() < 2) {
      result<> slept = co_await sleep_for(1ms);
      if (!slept) co_return slept;
    }
    (*boss)->drain();
    co_return result<>();
  };
  co_return co_await with_nursery(nursery_options(1), both);
}

TEST_P(runtime_exhaustion, of_a_master_heavy_is_survived_or_ends_its_workers) {
  fail_each_step_of([] { return within_patience(govern_workers()); });
}

INSTANTIATE_TEST_SUITE_P(each, runtime_exhaustion,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::operation),
                         name_of_fault);
INSTANTIATE_TEST_SUITE_P(each, threads_exhaustion,
                         each_of(fault_kind::allocation, fault_kind::system_call, fault_kind::offloaded_call),
                         name_of_fault);
INSTANTIATE_TEST_SUITE_P(each, activation_exhaustion,
                         each_of(fault_kind::allocation, fault_kind::system_call), name_of_fault);

} // namespace
} // namespace weir::test
