// A server behind an accept_gate, with fewer connections and descriptors than its clients want at once, while
// another part of its process takes descriptors and gives them back.
//
// At the limit clients wait, or are shed with a farewell, as the seed says. A client begins anew until each
// of its requests is answered. Rules:
//   1. Who is admitted is served: where nothing breaks connections, its answer comes, and is its own.
//   2. Who is not is shed politely: it hears the farewell and the end, and nobody is where the gate waits.
//   3. No more connections are held than the gate allows, which is no more than it was told and the
//   descriptors give.
//   4. Nothing spins: operations are begun for connections, faults, and ten times a second for the rest.
//   5. At the end every client was served, and every descriptor is back.
#include "network_faults.hpp"
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/accept_gate.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/sim/network.hpp>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class accept_gating_run final : public sim::hosts_run {
 public:
  explicit accept_gating_run(sim::world& in)
      : hosts_run(in), options_(drawn_options()), server_(add_host("server")),
        clients_left_(draw().between(4, 12)) {
    server_.descriptors().set_limit(draw().between(6, 16));
    server_.start([this](sim::host&) { return serve(); });
    std::vector<sim::host*> hosts{&add_host("client 1"), &add_host("client 2")};
    for (std::uint64_t i = clients_left_; i > 0; --i)
      hosts[i % hosts.size()]->start([this, i](sim::host&) { return want(static_cast<std::byte>(i)); });
  }

  bool is_done() const override {
    if (gate_) check_pace();
    return hosts_run::is_done();
  }

  void faults_stopped() override {
    in().net().heal_all();
    hosts_run::faults_stopped();
  }

  void check_end() override { demand(!in().has_open_descriptors(), "5: a descriptor is left over"); }

 private:
  static constexpr std::uint16_t port = 7000;
  static constexpr std::uint8_t requests_each = 4;
  static constexpr std::string_view farewell = "busy\n";
  static constexpr auto patience_of_server = seconds(2), patience_of_client = seconds(60);
  static constexpr std::byte welcome{'+'};
  static constexpr std::uint64_t operations_a_connection = 10, operations_a_look = 2;
  static constexpr std::uint64_t prompt_ns = 1'000'000'000;
  using request = std::array<std::byte, 2>; ///< who, and which
  enum class end_of_visit : std::uint8_t { broken, never_began, shed, served };

  gate_options drawn_options() {
    const std::uint64_t connections_max = draw().between(1, 5); // first: arguments have no order
    gate_options options(connections_max, draw().chance(500'000) ? overload::wait : overload::shed);
    options.descriptors_reserve = draw().between(1, 4);
    options.farewell = farewell;
    return options;
  }

  // --- the server ---

  task<> serve() {
    [[maybe_unused]] auto ended = co_await when_any(admit_all(), take_descriptors(), all_are_served());
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  task<result<>> all_are_served() {
    result<> slept;
    while (slept && clients_left_ > 0) slept = co_await sleep_for(milliseconds(50));
    co_return slept;
  }

  task<result<>> admit_all() {
    listen_options listening;
    listening.accepted_max = 0;
    result<listener> door = listener::bind(at_server(), listening);
    while (!door) {
      result<> slept = co_await sleep_for(milliseconds(10)); // no descriptor is free
      if (!slept) co_return slept;
      door = listener::bind(at_server(), listening);
    }
    is_open_ = true;
    const sim::descriptor_table& table = server_.descriptors();
    const std::size_t left = table.limit() - table.open_count();
    accept_gate gate(options_);
    const std::size_t by_descriptors = left - std::min(left, options_.descriptors_reserve);
    demand(gate.limit() == std::max<std::size_t>(std::min(options_.connections_max, by_descriptors), 1),
           "3: the gate allows more or less than it should");
    gate_ = &gate;
    loop_ = loop::current();
    began_ns_ = loop_->now_ns();
    const auto until_cancelled = [&](nursery& guests) -> task<result<>> {
      result<> goes_on;
      while (goes_on) goes_on = co_await admit(*door, gate, guests);
      co_return goes_on;
    };
    nursery_options isolated(1000, nursery_policy::isolate);
    result<> ended = co_await with_nursery(std::move(isolated), until_cancelled);
    gate_ = nullptr;
    co_return ended;
  }

  task<result<>> admit(listener& door, accept_gate& gate, nursery& guests) {
    result<admitted> guest = co_await gate.accept(door);
    if (!guest) co_return fail(guest.error());
    ++admitted_;
    demand(gate.in_use() <= gate.limit(), "3: more are admitted than the gate allows");
    co_return co_await guests.spawn(attend(gate.limit(), std::move(*guest)));
  }

  void check_pace() const {
    const std::uint64_t for_connections = (admitted_ + gate_->shed()) * operations_a_connection;
    const std::uint64_t for_time = (loop_->now_ns() - began_ns_) / 100'000'000 * operations_a_look;
    demand(loop_->counters().operations_started <= 50 + for_connections + in().faults().events() + for_time,
           "4: operations are begun for nothing");
  }

  task<result<>> attend(std::size_t most, admitted guest) {
    demand(++active_ <= most, "3: more are served than the gate allows");
    result<> outcome = co_await with_deadline(patience_of_server, answer(std::move(guest.connection)));
    --active_;
    co_return outcome;
  }

  task<result<>> answer(descriptor connection) {
    result<stream> client = stream::adopt(std::move(connection));
    if (!client) co_return fail(client.error());
    const std::array<std::byte, 1> greeting{welcome};
    const transfer greeted = co_await client->write_all(greeting);
    if (!greeted) co_return fail(greeted.error());
    request asked{};
    const transfer heard = co_await client->read_exactly(asked);
    if (!heard) co_return fail(heard.error());
    result<> worked = co_await sleep_for(nanoseconds(draw().below(300'000'000)));
    if (!worked) co_return worked;
    const transfer answered = co_await client->write_all(asked);
    if (!answered) co_return fail(answered.error());
    co_return co_await client->close();
  }

  /// As many as it gets, for a while; of the last one, too.
  task<result<>> take_descriptors() {
    for (;;) {
      result<> slept = co_await sleep_for(nanoseconds(draw().below(1'000'000'000)));
      if (!slept) co_return slept;
      std::vector<descriptor> taken;
      for (std::uint64_t most = is_calm() ? 0 : draw().below(20); taken.size() < most;) {
        descriptor next(calls().open("/dev/null", O_RDONLY | O_CLOEXEC, 0));
        if (!next) break;
        taken.push_back(std::move(next));
      }
      slept = co_await sleep_for(nanoseconds(draw().below(2'000'000'000)));
      if (!slept) co_return slept;
    }
  }

  // --- a client ---

  static address at_server() { return *address::ip("10.0.0.1", port); }

  task<> want(std::byte who) {
    while (!is_open_) {
      result<> slept = co_await sleep_for(milliseconds(10));
      if (!slept) co_return;
    }
    for (std::uint8_t number = 1; number <= requests_each;) {
      const request mine{who, std::byte{number}};
      const bool is_in_peace = is_calm();
      end_of_visit ended = end_of_visit::broken;
      result<> visited = co_await with_deadline(patience_of_client, visit(mine, ended));
      if (!visited && visited.error().is_cancelled()) co_return; // the world ends
      if (is_in_peace || have_connections_held(in()))
        demand(ended != end_of_visit::broken, "1: a client was harmed, and its connection was not");
      note(std::to_integer<std::uint64_t>(who), number, static_cast<std::uint64_t>(ended));
      if (ended == end_of_visit::served) ++number;
      result<> slept = co_await sleep_for(nanoseconds(draw().below(500'000'000)));
      if (!slept) co_return;
    }
    --clients_left_;
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  task<result<>> visit(request mine, end_of_visit& ended) {
    result<stream> server = co_await stream::connect(at_server());
    if (!server) {
      const bool is_own = server.error() == std::errc::too_many_files_open;
      if (is_own) ended = end_of_visit::never_began;
      co_return fail(server.error());
    }
    const std::uint64_t came_ns = loop::current()->now_ns();
    std::array<std::byte, 1> first{};
    const transfer greeted = co_await server->read_exactly(first);
    const bool is_prompt = loop::current()->now_ns() - came_ns <= prompt_ns;
    demand(is_prompt || options_.at_limit == overload::wait || !have_connections_held(in()),
           "2: somebody was kept waiting where the gate sheds");
    if (!greeted) co_return fail(greeted.error());
    if (first[0] != welcome) co_return co_await hear_farewell(*server, first[0], ended);
    const transfer asked = co_await server->write_all(mine);
    if (!asked) co_return fail(asked.error());
    request answer{};
    const transfer heard = co_await server->read_exactly(answer);
    if (!heard) co_return fail(heard.error());
    demand(answer == mine, "1: an answer is another's");
    ended = end_of_visit::served;
    co_return co_await server->close();
  }

  /// Whole, unless the socket did not take all of it at once.
  task<result<>> hear_farewell(stream& from, std::byte first, end_of_visit& ended) {
    demand(options_.at_limit == overload::shed, "2: somebody was shed where the gate waits");
    std::string heard(1, static_cast<char>(first));
    for (;;) {
      result<lease> more = co_await from.read();
      if (!more) co_return fail(more.error());
      if (more->empty()) break;
      heard.append(reinterpret_cast<const char*>(more->data()), more->size());
    }
    const bool is_whole = heard == farewell;
    const bool may_be_cut = in().faults().count(sim::fault::partial_send) > 0 && farewell.starts_with(heard);
    demand(is_whole || may_be_cut || !have_connections_held(in()),
           "2: somebody was shed without the farewell");
    ended = end_of_visit::shed;
    co_return result<>();
  }

  gate_options options_;
  sim::host& server_;
  std::uint64_t clients_left_;
  // Of the server.
  bool is_open_ = false;
  std::size_t active_ = 0;
  std::uint64_t admitted_ = 0;
  std::uint64_t began_ns_ = 0;
  const accept_gate* gate_ = nullptr;
  const loop* loop_ = nullptr;
};

} // namespace

constinit const sim::scenario accept_gating{
    "accept_gating",
    "beyond its limits a server harms nobody, spins not, and serves or sheds each in the end",
    sim::begin_run<accept_gating_run>};

} // namespace weir::scenarios
