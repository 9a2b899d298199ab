// A service is replaced by the next generation of itself, again and again, while clients come: each
// generation accepts on one loop and serves on two others of the same host, and all accept from one socket.
//
// When the next one is ready the door of the last stops; what it has accepted goes on, and is ended when the
// drain deadline comes. Rules:
//   1. Where nothing breaks connections nobody is refused, and every client gets its answer, or a farewell.
//   2. Nobody who is served is ended before the deadline, nor goes on behind it.
//   3. A generation ends when its clients have, at the latest by the deadline and what the farewells take.
//   4. Whoever was accepted is served: none is lost between the door, the loops and the end.
//   5. At the end every client has its answers, every generation has ended, and no descriptor is left.
#include "network_faults.hpp"
#include "scenarios.hpp"

#include <weir/async/event.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/listener.hpp>
#include <weir/runtime/loop_channel.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/sim/network.hpp>

#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class worker_drain_run final : public sim::hosts_run {
 public:
  explicit worker_drain_run(sim::world& in)
      : hosts_run(in), drain_within_(milliseconds(draw().between(100, 1000))),
        accepted_max_(draw().between(1, 6)), server_(add_host("server")), clients_left_(clients_count) {
    server_.start([this](sim::host&) { return hold_socket(); }, little_memory());
    for (std::size_t i = 0; i < generations_.size(); ++i) {
      server_.start([this, i](sim::host&) { return accept_as(i); }, little_memory());
      for (place& each : generations_[i].places)
        server_.start([this, &each](sim::host&) { return serve_at(each); }, little_memory());
    }
    for (std::uint32_t i = 0; i < clients_count; i += clients_a_host)
      add_host("clients from " + std::to_string(i)).start([this, i](sim::host&) { return want_all(i); });
  }

  void faults_stopped() override {
    in().net().heal_all();
    hosts_run::faults_stopped();
  }

  void check_end() override {
    for (const generation& each : generations_)
      for (const place& there : each.places)
        demand(there.served == there.handed_over, "4: somebody was accepted, and never served");
    demand(!in().has_open_descriptors(), "5: a descriptor is left over");
  }

 private:
  static constexpr std::uint16_t port = 7000;
  static constexpr std::uint32_t clients_count = 8, clients_a_host = 4;
  static constexpr std::uint8_t requests_each = 6;
  static constexpr std::byte farewell{0xff};
  static constexpr std::uint64_t clean_up_most_ns = 150'000'000; ///< farewells, operations that end late
  using request = std::array<std::byte, 2>;                      ///< who, and which
  enum class end_of_visit : std::uint8_t { broken, never_began, sent_away, answered };

  /// A loop that serves for a generation.
  struct place {
    loop_channel<descriptor> handed{2};
    std::uint64_t handed_over = 0;
    std::uint64_t served = 0;

    /// Nobody receives any more: whoever was handed over and not taken, because all were asked to end, goes.
    void give_up() {
      handed = loop_channel<descriptor>(1);
      handed.close();
    }
  };
  struct generation {
    std::array<place, 2> places;
    bool may_start = false;
    bool is_ready = false;
  };

  /// There are many loops, which hold a few bytes.
  static loop_options little_memory() {
    loop_options options;
    options.buffers.budget_bytes = options.send_buffers.budget_bytes = std::size_t{1} << 20;
    return options;
  }
  static address at_server() { return *address::ip("10.0.0.1", port); }
  static std::uint64_t now_ns() { return loop::current()->now_ns(); }

  /// A look now and then: it is another loop that knows. False: cancelled.
  template <class Condition>
  static task<bool> until(Condition holds) {
    bool goes_on = true;
    while (goes_on && !holds()) {
      result<> slept = co_await sleep_for(milliseconds(20));
      goes_on = slept.has_value();
    }
    co_return goes_on;
  }

  // --- the socket that all generations share ---

  task<> hold_socket() {
    result<descriptor> socket = listener::open(at_server());
    while (!socket) {
      result<> slept = co_await sleep_for(milliseconds(10)); // no descriptor is free
      if (!slept) co_return;
      socket = listener::open(at_server());
    }
    socket_ = socket->get();
    generations_.front().may_start = true;
    const auto nobody_comes = [this] { return clients_left_ == 0; };
    [[maybe_unused]] const bool is_over = co_await until(nobody_comes);
  }

  // --- a generation's door ---

  task<> accept_as(std::size_t index) {
    generation& mine = generations_[index];
    const auto may_start = [&mine] { return mine.may_start; };
    const bool starts = co_await until(may_start);
    if (!starts) co_return;
    listen_options options;
    options.accepted_max = accepted_max_;
    result<listener> door = listener::adopt(descriptor(calls().fcntl(socket_, F_DUPFD_CLOEXEC, 0)), options);
    demand(door.has_value(), "1: a generation has no door");
    if (!door) co_return;
    mine.is_ready = true;
    co_await when_all(accept_all(*door, mine), stop_when_replaced(*door, index));
    for (place& each : mine.places) each.handed.close();
  }

  task<> stop_when_replaced(listener& door, std::size_t index) {
    if (index + 1 == generations_.size()) {
      const auto nobody_comes = [this] { return clients_left_ == 0; };
      [[maybe_unused]] const bool is_over = co_await until(nobody_comes);
    } else {
      [[maybe_unused]] result<> slept = co_await sleep_for(nanoseconds(draw().below(1'000'000'000)));
      generation& next = generations_[index + 1];
      next.may_start = true;
      const auto is_ready = [&next] { return next.is_ready; };
      [[maybe_unused]] const bool is_replaced = co_await until(is_ready);
    }
    door.stop();
  }

  task<> accept_all(listener& door, generation& mine) {
    std::vector<loop_channel<descriptor>::sender> ways;
    for (const place& each : mine.places) ways.push_back(each.handed.make_sender());
    for (std::size_t turn = 0;; turn = 1 - turn) {
      result<descriptor> accepted = co_await door.accept_descriptor();
      if (!accepted && (accepted.error() == errc::closed || accepted.error().is_cancelled())) co_return;
      result<> goes_on;
      if (draw().chance(200'000))
        goes_on = co_await sleep_for(nanoseconds(draw().below(50'000'000))); // more come
      if (!goes_on) co_return;
      if (accepted) {
        ++mine.places[turn].handed_over;
        goes_on = co_await ways[turn].send(std::move(*accepted));
      } else {
        goes_on = co_await sleep_for(milliseconds(10)); // no descriptor is free
      }
      if (!goes_on) co_return;
    }
  }

  // --- a loop that serves ---

  /// The drain of one loop, from the moment in which nobody else will be handed over.
  struct drain {
    explicit drain(cancellation* parent) noexcept : scope(parent) {}

    cancellation scope; ///< of all that are served
    event begun{event_reset::manual};
    bool is_late = false;
    std::uint64_t began_ns = 0;
    std::uint64_t stalled_before_ns = 0;
  };

  task<> serve_at(place& here) {
    drain ending(co_await current_cancellation());
    [[maybe_unused]] auto ended = co_await when_any(serve_all(here, ending), enforce(ending));
    here.give_up();
    if (!server_.is_up()) co_return;
    const std::uint64_t late_ns =
        (server_.stalled_ns() - ending.stalled_before_ns) * 1001 / 1000 + clean_up_most_ns;
    const auto within_ns = static_cast<std::uint64_t>(nanoseconds(drain_within_).count());
    demand(now_ns() <= ending.began_ns + within_ns + late_ns, "3: a drain went on behind its deadline");
    if (ending.is_late) demand(now_ns() >= ending.began_ns + within_ns, "3: a drain was ended early");
    note(within_ns, ending.is_late, here.served);
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  task<result<>> serve_all(place& here, drain& ending) {
    auto arriving = here.handed.make_receiver();
    const auto until_closed = [&](nursery& guests) -> task<result<>> {
      for (;;) {
        result<descriptor> guest = co_await arriving.receive();
        if (!guest) break;
        result<> spawned = co_await guests.spawn(attend(std::move(*guest), here, ending));
        if (!spawned) co_return spawned;
      }
      ending.began_ns = now_ns();
      ending.stalled_before_ns = server_.stalled_ns();
      ending.begun.set();
      co_return result<>();
    };
    nursery_options isolated(1000, nursery_policy::isolate);
    co_return co_await with_nursery(std::move(isolated), until_closed).under(&ending.scope);
  }

  task<result<>> enforce(drain& ending) {
    result<> asked = co_await ending.begun.wait();
    if (!asked) co_return asked;
    result<> slept = co_await sleep_for(drain_within_);
    if (!slept) co_return slept;
    ending.is_late = true;
    ending.scope.request();
    event never(event_reset::manual);
    co_return co_await never.wait();
  }

  task<> attend(descriptor connection, place& here, const drain& ending) {
    ++here.served;
    result<stream> client = stream::adopt(std::move(connection));
    if (!client) co_return;
    result<> answered = co_await answer(*client);
    if (answered || !answered.error().is_cancelled() || !server_.is_up()) co_return;
    demand(ending.is_late, "2: somebody was ended before the deadline");
    const std::array<std::byte, 1> goodbye{farewell};
    [[maybe_unused]] const result<> told =
        co_await shield(with_deadline(milliseconds(100), say(*client, goodbye)));
  }

  task<result<>> answer(stream& client) {
    request asked{};
    result<> heard = co_await with_deadline(seconds(3), hear(client, asked));
    if (!heard) co_return heard;
    const bool is_long = draw().chance(200'000);
    const auto takes = nanoseconds(draw().below(is_long ? 3'000'000'000 : 300'000'000));
    result<> worked = co_await sleep_for(takes);
    if (!worked) co_return worked;
    co_return co_await shield(with_deadline(milliseconds(100), say(client, asked)));
  }

  // --- both sides ---

  static task<result<>> say(stream& to, std::span<const std::byte> what) {
    const transfer sent = co_await to.write_all(what);
    if (!sent) co_return fail(sent.error());
    co_return co_await to.close();
  }
  static task<result<>> hear(stream& from, std::span<std::byte> into) {
    const transfer heard = co_await from.read_exactly(into);
    if (!heard) co_return fail(heard.error());
    co_return result<>();
  }

  // --- a client ---

  task<> want_all(std::uint32_t first) {
    std::vector<task<>> all;
    for (std::uint32_t i = first; i < first + clients_a_host; ++i) all.push_back(want(std::byte(i)));
    co_await when_all(std::move(all));
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  task<> want(std::byte who) {
    const auto is_open = [this] { return generations_.front().is_ready; };
    bool goes_on = co_await until(is_open);
    for (std::uint8_t number = 1; goes_on && number <= requests_each;) {
      const request mine{who, std::byte{number}};
      const bool is_in_peace = is_calm();
      end_of_visit ended = end_of_visit::broken;
      result<> visited = co_await with_deadline(seconds(20), visit(mine, ended));
      if (!visited && visited.error().is_cancelled()) co_return; // the world ends
      if (is_in_peace || have_connections_held(in()))
        demand(ended != end_of_visit::broken, "1: a client has neither answer nor farewell");
      note(std::to_integer<std::uint64_t>(who), number, static_cast<std::uint64_t>(ended));
      if (ended == end_of_visit::answered) ++number;
      result<> slept = co_await sleep_for(nanoseconds(draw().below(300'000'000)));
      goes_on = slept.has_value();
    }
    --clients_left_;
  }

  task<result<>> visit(request mine, end_of_visit& ended) {
    result<stream> server = co_await stream::connect(at_server());
    if (!server) {
      const bool is_own = server.error() == std::errc::too_many_files_open;
      if (is_own) ended = end_of_visit::never_began;
      co_return fail(server.error());
    }
    const transfer asked = co_await server->write_all(mine);
    if (!asked) co_return fail(asked.error());
    request heard{};
    result<> answered = co_await hear(*server, std::span(heard).first(1));
    if (!answered) co_return answered;
    ended = heard[0] == farewell ? end_of_visit::sent_away : end_of_visit::broken;
    if (heard[0] == farewell) co_return co_await server->close();
    answered = co_await hear(*server, std::span(heard).last(1));
    if (!answered) co_return answered;
    demand(heard == mine, "1: an answer is another's");
    ended = end_of_visit::answered;
    co_return co_await server->close();
  }

  milliseconds drain_within_;
  std::size_t accepted_max_;
  sim::host& server_;
  std::uint32_t clients_left_;
  std::array<generation, 3> generations_;
  int socket_ = -1;
};

} // namespace

constinit const sim::scenario worker_drain{
    "worker_drain",
    "generations of a server take over from each other, and nobody is lost or kept behind the deadline",
    sim::begin_run<worker_drain_run>};

} // namespace weir::scenarios
