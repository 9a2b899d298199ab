// The failure-mode lab on weir: an innocent heartbeat and an echo service, and one misbehaviour beside them.
#include "lab.hpp"
#include "weir_witness.hpp"

#include <weir/async/channel.hpp>
#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/async/yield.hpp>
#include <weir/net/listener.hpp>
#include <weir/os/watch.hpp>

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;

/// The names that a report should show.
[[gnu::noinline]] void guilty_handler_spins() {
  witness::note_long_handler();
  lab::spin_for(lab::long_ns);
}
[[gnu::noinline]] void guilty_handler_blocks() {
  witness::note_long_handler();
  lab::block_for(lab::long_ns);
}
[[gnu::noinline]] void guilty_handler_throws() {
  throw std::out_of_range("no such order");
}

namespace {

/// Another loop of the process, that has nothing but a heartbeat.
class other_loop {
 public:
  explicit other_loop(double seconds) : beats_(seconds), thread_([this] { run(); }) {}
  /// A member of the record; waits for the end.
  std::string member() {
    thread_.join();
    return ", \"other_late_ms\": " + lab::milliseconds(beats_.late_ns()) +
           ", \"other_began_ns\": " + std::to_string(beats_.began_ns());
  }

 private:
  task<> beat() {
    while (!beats_.is_over()) {
      const auto pause = static_cast<std::int64_t>(beats_.beat() - lab::now_ns());
      result<> slept = co_await sleep_for(std::chrono::nanoseconds(pause));
      if (!slept) co_return;
    }
  }
  void run() {
    if (auto on = loop::create()) weir::run(**on, beat());
  }

  lab::heartbeat beats_;
  std::thread thread_;
};

struct experiment {
  std::string_view scenario;
  lab::heartbeat beats;
  channel<lease> work{channel_options(64)}; ///< for the slow consumer
  std::vector<lease> kept{};
  long watched = 0; ///< calls of the watcher that does not read
  lab::order_log orders{};
  std::unique_ptr<other_loop> other{}; ///< beside the one that blocks
};

[[noreturn]] void finish(experiment& of) {
  if (of.scenario == "E2") lab::finish(of.beats, ", \"calls\": " + std::to_string(of.watched));
  if (of.scenario == "E9") lab::finish(of.beats, of.orders.member());
  if (of.scenario == "E1") lab::finish(of.beats, witness::member());
  if (of.scenario == "E6") lab::finish(of.beats, witness::member() + of.other->member());
  lab::finish(of.beats);
}

task<> beat(experiment& of) {
  for (;;) {
    const std::uint64_t due = of.beats.beat();
    if (of.beats.is_over()) finish(of);
    const auto pause = static_cast<std::int64_t>(due - lab::now_ns()); // below 0: it is due again already
    result<> slept = co_await sleep_for(std::chrono::nanoseconds(pause));
    if (!slept) co_return;
  }
}

// ---- The services
// ------------------------------------------------------------------------------------------
task<result<>> echo(stream client) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->empty()) co_return result<>();
    if (*received->data() == std::byte{'?'}) guilty_handler_throws();
    result<> sent = co_await client.write(std::move(*received));
    if (!sent) co_return sent;
  }
}

/// A publisher, and somebody who has stopped reading.
task<result<>> publish(stream subscriber) {
  const std::vector<std::byte> update(lab::update_bytes);
  for (;;) {
    transfer sent = co_await subscriber.write_all(update);
    if (!sent) co_return fail(sent.error());
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return slept;
  }
}

/// Remembers a few bytes of each piece, as a view of it.
task<result<>> retain(stream client, experiment& of) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->size() < lab::kept_bytes) co_return result<>();
    of.kept.push_back(received->share(0, lab::kept_bytes));
  }
}

/// Hands on what it receives to a worker that is too slow.
task<result<>> hand_on(stream client, experiment& of) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->empty()) co_return result<>();
    result<> sent = co_await of.work.send(std::move(*received));
    if (!sent) co_return sent;
  }
}

task<result<>> work_slowly(experiment& of) {
  for (;;) {
    result<lease> piece = co_await of.work.receive();
    if (!piece) co_return fail(piece.error());
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return slept;
  }
}

enum class service : std::uint8_t { echo, victim };

task<result<>> serve_one(stream client, experiment& of, service which) {
  if (which == service::echo) return echo(std::move(client));
  if (of.scenario == "E3") return publish(std::move(client));
  if (of.scenario == "E5") return retain(std::move(client), of);
  return hand_on(std::move(client), of);
}

task<result<>> serve(listener& door, experiment& of, service which, nursery& clients) {
  for (;;) {
    result<stream> client = co_await door.accept();
    if (!client) co_return fail(client.error());
    result<> admitted = co_await clients.spawn(serve_one(std::move(*client), of, which));
    if (!admitted) co_return admitted;
  }
}

// ---- Misbehaviour of handlers
// ------------------------------------------------------------------------------
task<result<>> take_long(experiment& of) {
  for (lab::long_handler_plan plan(of.beats);;) {
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return slept;
    if (!plan.is_due()) continue;
    if (of.scenario == "E6") {
      guilty_handler_blocks();
    } else if (of.scenario == "E1") {
      guilty_handler_spins();
    } else {
      for (std::uint64_t done = 0; done < lab::long_ns; done += lab::slice_ns) {
        lab::spin_for(lab::slice_ns);
        result<> yielded = co_await yield();
        if (!yielded) co_return yielded;
      }
    }
  }
}

/// Two that wake each other, for a second: as long as the deferred queue lasts, so does this.
task<result<>> pass_on(channel<int>& from, channel<int>& to, std::uint64_t until_ns) {
  for (;;) {
    result<int> token = co_await from.receive();
    if (!token) co_return fail(token.error());
    lab::spin_for(lab::job_ns);
    if (lab::now_ns() > until_ns) co_return result<>();
    result<> sent = co_await to.send(int(*token));
    if (!sent) co_return sent;
  }
}

task<result<>> chain(nursery& all, channel<int>& there, channel<int>& back) {
  result<> slept = co_await sleep_for(std::chrono::nanoseconds(lab::calm_ns));
  if (!slept) co_return slept;
  const std::uint64_t until = lab::now_ns() + lab::chain_ns;
  if (result<> spawned = co_await all.spawn(pass_on(there, back, until)); !spawned) co_return spawned;
  if (result<> spawned = co_await all.spawn(pass_on(back, there, until)); !spawned) co_return spawned;
  co_return co_await there.send(1);
}

/// Watches a descriptor for what it never reads.
task<result<>> watch_idly(experiment& of) {
  result<> slept = co_await sleep_for(std::chrono::nanoseconds(lab::calm_ns));
  if (!slept) co_return slept;
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) co_return result<>();
  if (::send(ends[1], "!", 1, 0) != 1) co_return result<>();
  watch_options options;
  options.on_spinning = [](int descriptor) noexcept {
    std::fprintf(stderr, "weir: the watch of descriptor %d spins\n", descriptor);
  };
  const watch idle(
      ends[0], readiness::readable, [](void* calls, readiness) noexcept { ++*static_cast<long*>(calls); },
      &of.watched, options);
  co_return co_await sleep_for(1h);
}

// ---- Order
// -------------------------------------------------------------------------------------------------
struct posted_note : work {
  explicit posted_note(lab::order_log& log) noexcept
      : work([](work& self) noexcept { static_cast<posted_note&>(self).log_.note('p'); }), log_(log) {}
  lab::order_log& log_;
};
task<> note_timer(lab::order_log& log) {
  result<> slept = co_await sleep_for(0ns);
  if (slept) log.note('t');
}
task<> note_deferred(lab::order_log& log) {
  result<> yielded = co_await yield();
  if (yielded) log.note('d');
}
task<result<>> ask_in_rounds(experiment& of, nursery& all) {
  posted_note posted(of.orders);
  for (;;) {
    result<> slept = co_await sleep_for(std::chrono::nanoseconds(lab::round_ns));
    if (!slept) co_return slept;
    if (!of.orders.begin()) continue;
    if (!all.try_spawn(note_timer(of.orders)) || !all.try_spawn(note_deferred(of.orders)))
      co_return result<>();
    if (!loop::current()->post(posted)) co_return result<>();
  }
}

task<result<>> conduct(experiment& of, listener& echo_door, listener& victim_door) {
  auto options = nursery_options(1000, nursery_policy::isolate);
  options.on_failure = [](const failure& why) {
    if (!why.is_cancelled()) std::fprintf(stderr, "weir: %s\n", why.report().c_str());
  };
  channel<int> there;
  channel<int> back;
  auto body = [&](nursery& all) -> task<result<>> {
    std::vector<task<result<>>> parts;
    parts.push_back(serve(victim_door, of, service::victim, all));
    if (of.scenario.starts_with("E1") && of.scenario != "E10") parts.push_back(take_long(of));
    if (of.scenario == "E6") parts.push_back(take_long(of));
    if (of.scenario == "E2") parts.push_back(watch_idly(of));
    if (of.scenario == "E4") parts.push_back(chain(all, there, back));
    if (of.scenario == "E9") parts.push_back(ask_in_rounds(of, all));
    parts.push_back(witness::names_held_back());
    if (of.scenario == "E10") parts.push_back(work_slowly(of));
    if (result<> spawned = co_await all.spawn(beat(of)); !spawned) co_return spawned;
    for (task<result<>>& each : parts)
      if (result<> spawned = co_await all.spawn(std::move(each)); !spawned) co_return spawned;
    co_return co_await serve(echo_door, of, service::echo, all);
  };
  co_return co_await with_nursery(std::move(options), body);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("weir_lab SCENARIO SECONDS\n", stderr), 2;
  auto loop = loop::create();
  if (!loop) return std::fprintf(stderr, "%s\n", loop.error().message().c_str()), 1;
  const witness seen(**loop);
  // Sockets belong to the loop on which they are made: within a task.
  auto whole = [&]() -> task<result<>> {
    result<address> anywhere = address::ip("127.0.0.1", 0);
    if (!anywhere) co_return fail(anywhere.error());
    result<listener> echo_door = listener::bind(*anywhere);
    if (!echo_door) co_return fail(echo_door.error());
    result<listener> victim_door = listener::bind(*anywhere);
    if (!victim_door) co_return fail(victim_door.error());
    lab::tell_ports(echo_door->local_address().port(), victim_door->local_address().port());
    experiment all{argv[1], lab::heartbeat(std::atof(argv[2]))};
    if (all.scenario == "E6") all.other = std::make_unique<other_loop>(std::atof(argv[2]));
    co_return co_await conduct(all, *echo_door, *victim_door);
  };
  const result<> done = run(**loop, whole());
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return 1; // the heartbeat ends the process
}
