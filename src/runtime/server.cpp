#include <weir/async/event.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/server.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace weir {
namespace {

/// Ends the accepting of a loop when another thread says so.
class stop_bell : private doorbell {
 public:
  stop_bell() noexcept
      : doorbell([](doorbell& self) noexcept {
          auto& own = static_cast<stop_bell&>(self);
          if (own.accepting_) own.accepting_->request();
          own.heard_.set();
        }) {}

  void begin(cancellation& accepting) noexcept {
    accepting_ = &accepting;
    install(*loop::current());
    listen();
  }
  /// Until no ring is on its way.
  task<> end() {
    accepting_ = nullptr;
    heard_.reset();
    if (leave()) co_return;
    [[maybe_unused]] result<> heard = co_await heard_.wait();
  }
  using doorbell::ring;

 private:
  cancellation* accepting_ = nullptr;
  event heard_{event_reset::manual};
};

} // namespace

/// What the server keeps for each loop.
struct server::desk {
  explicit desk(std::size_t handover_max) : handed(handover_max) {}

  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> accepted{0};
  stop_bell stop;
  loop_channel<guest> handed;
};

/// A connection that counts for a loop from the choice of the loop until its end, however that comes.
struct server::guest {
  guest(admitted taken, desk& at) noexcept : who(std::move(taken)) { count_for(at); }
  void count_for(desk& at) noexcept {
    ++at.connections;
    counted.reset(&at.connections);
  }

  struct uncount {
    void operator()(std::atomic<std::size_t>* of) const noexcept { --*of; }
  };
  admitted who;
  std::unique_ptr<std::atomic<std::size_t>, uncount> counted;
};

server::server(loop_group& group, const address& at, const server_options& options, handler serve)
    : group_(group), at_(at), options_(options), serve_(std::move(serve)) {
  options_.listen.accepted_max = 0; // the gate counts each
  for (unsigned i = 0; i < group.size(); ++i) desks_.push_back(std::make_unique<desk>(options.handover_max));
}

server::~server() = default;

std::size_t server::connections(unsigned index) const noexcept {
  return desks_[index]->connections.load(std::memory_order_relaxed);
}

std::uint64_t server::accepted(unsigned index) const noexcept {
  return desks_[index]->accepted.load(std::memory_order_relaxed);
}

void server::stop_accepting() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);
  for (const auto& each : desks_) each->stop.ring();
}

nursery_options server::bounds_of(std::size_t connections_max) const {
  nursery_options bounds(connections_max, nursery_policy::isolate);
  bounds.on_failure = options_.on_failure;
  return bounds;
}

task<result<>> server::run() {
  result<> outcome;
  if (options_.where == placement::reuse_port) {
    outcome = co_await run_on_each();
  } else {
    outcome = co_await run_on_one();
  }
  const cancellation* const scope = co_await current_cancellation();
  if (outcome && scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "server");
  co_return outcome;
}

// --- a socket a loop ---

task<result<>> server::run_on_each() {
  options_.listen.reuse_port = true;
  const auto body = [this](nursery& loops) -> task<result<>> {
    loop_channel<address> opened(2);
    auto bound = opened.make_receiver();
    for (unsigned i = 0; i < group_.size(); ++i) { // the first one finds the port for all
      const auto attend_there = [this, i, opened] { return attend_own(i, opened); };
      result<> spawned = co_await loops.spawn(group_.run_on(i, attend_there));
      if (!spawned) co_return spawned;
      result<address> at = co_await bound.receive();
      if (!at) co_return fail(at.error());
      at_ = *at;
    }
    if (options_.on_listening) options_.on_listening(at_);
    co_return result<>();
  };
  co_return co_await with_nursery(nursery_options(group_.size()), body);
}

task<result<>> server::attend_own(unsigned index, loop_channel<address> opened) {
  desk& own = *desks_[index];
  result<listener> bound = listener::bind(at_, options_.listen);
  if (!bound) co_return fail(bound.error());
  listener door = std::move(*bound);
  {
    auto told = opened.make_sender();
    result<> sent = co_await told.send(address(door.local_address()));
    if (!sent) co_return sent;
  }
  accept_gate gate(options_.gate, group_.size());
  const auto body = [&](nursery& guests) -> task<result<>> {
    const taker take = [&](admitted accepted) -> task<result<>> {
      guest arrived(std::move(accepted), own);
      result<> spawned = co_await guests.spawn(attend(own, std::move(arrived)));
      co_return spawned;
    };
    result<> accepted_all = co_await accept_until_stopped(own, door, gate, take);
    door = listener(); // nobody else is to wait in its backlog
    co_return accepted_all;
  };
  co_return co_await with_nursery(bounds_of(gate.limit()), body);
}

// --- one socket for all ---

task<result<>> server::run_on_one() {
  result<listener> door = listener::bind(at_, options_.listen);
  if (!door) co_return fail(door.error());
  at_ = door->local_address();
  if (options_.on_listening) options_.on_listening(at_);
  accept_gate gate(options_.gate);
  std::vector<loop_channel<guest>::sender> ways;
  for (const auto& each : desks_) ways.push_back(each->handed.make_sender());

  const taker hand_over = [&](admitted accepted) -> task<result<>> {
    const std::size_t first = choose();
    guest arrived(std::move(accepted), *desks_[first]);
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const std::size_t to = (first + i) % ways.size();
      arrived.count_for(*desks_[to]);
      if (ways[to].try_send(std::move(arrived))) co_return result<>();
    }
    arrived.count_for(*desks_[first]);
    result<> sent = co_await ways[first].send(std::move(arrived)); // all are busy: so are we
    co_return sent;
  };
  const auto body = [&](nursery& loops) -> task<result<>> {
    result<> outcome;
    for (unsigned i = 0; outcome && i < group_.size(); ++i) {
      const auto attend_there = [this, i] { return attend_handed(i); };
      outcome = co_await loops.spawn(group_.run_on(i, attend_there));
    }
    if (outcome) outcome = co_await accept_until_stopped(*desks_.front(), *door, gate, hand_over);
    *door = listener();
    for (const auto& each : desks_) each->handed.close();
    co_return outcome;
  };
  co_return co_await with_nursery(nursery_options(group_.size()), body);
}

std::size_t server::choose() noexcept {
  if (options_.where == placement::round_robin) return turn_++ % desks_.size();
  const auto load = [](const auto& each) { return each->connections.load(std::memory_order_relaxed); };
  const auto least = std::ranges::min_element(desks_, {}, load);
  return static_cast<std::size_t>(least - desks_.begin());
}

task<result<>> server::attend_handed(unsigned index) {
  desk& own = *desks_[index];
  auto arriving = own.handed.make_receiver();
  const auto body = [&](nursery& guests) -> task<result<>> {
    for (;;) {
      result<guest> arrived = co_await arriving.receive();
      if (!arrived && arrived.error() == errc::closed) co_return result<>();
      if (!arrived) co_return fail(arrived.error());
      result<> spawned = co_await guests.spawn(attend(own, std::move(*arrived)));
      if (!spawned) co_return spawned;
    }
  };
  co_return co_await with_nursery(bounds_of(options_.gate.connections_max), body);
}

// --- both ---

task<result<>> server::accept_until_stopped(desk& at, listener& door, accept_gate& gate, taker take) {
  cancellation accepting(co_await current_cancellation());
  at.stop.begin(accepting);
  if (stopping_.load(std::memory_order_seq_cst)) accepting.request();
  result<> outcome;
  try {
    while (outcome && !accepting.is_requested()) {
      result<admitted> accepted = co_await gate.accept(door).under(&accepting);
      if (accepted) {
        outcome = co_await take(std::move(*accepted));
      } else if (!accepted.error().is_cancelled()) {
        outcome = fail(accepted.error());
      }
    }
  } catch (const std::bad_alloc&) { // the bell knows of `accepting` still
    outcome = fail(std::errc::not_enough_memory, "accept");
  }
  co_await shield(at.stop.end());
  co_return outcome;
}

task<result<>> server::attend(desk& at, guest who) {
  at.accepted.fetch_add(1, std::memory_order_relaxed);
  result<stream> client = stream::adopt(std::move(who.who.connection), options_.streams);
  if (!client) co_return fail(client.error());
  co_return co_await serve_(std::move(*client));
}

} // namespace weir
