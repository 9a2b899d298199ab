// Clients connect to one of several addresses (RFC 8305), of which some answer, some refuse, some are silent,
// some are far away and some nobody knows the way to.
//
// Each race has its own list, delay between attempts, deadline and bound of attempts. Rules:
//   1. Of all attempts one connection is left when one was made, else none: no descriptor, no operation; and
//   nothing begins later.
//   2. It is one with an address of the list that answers, and the peer of that address is there.
//   3. A race ends at its deadline, not later; without a connection it says that time was up not earlier.
//   4. An error names the addresses that were tried and what became of each.
//   Once faults have stopped, a model of the race says when each attempt begins:
//   5. An address that answers is found by then and its round trip; no address is tried, nor named, before
//   its time.
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/happy_eyeballs.hpp>
#include <weir/net/listener.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/sim/network.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::uint64_t never_ns = std::uint64_t{1} << 62;

/// An address, and what becomes of an attempt to connect to it.
struct candidate {
  enum class fate : std::uint8_t { answers, refused, silent, no_route };

  address at;
  fate what = fate::no_route;
  std::uint64_t least_ns = 0; ///< the round trip
  std::uint64_t most_ns = 0;
  std::uint32_t host = 0;

  bool fails() const noexcept { return what == fate::refused || what == fate::no_route; }
  std::errc reason() const noexcept {
    return what == fate::refused ? std::errc::connection_refused : std::errc::network_unreachable;
  }
};

/// When something happens at the earliest and at the latest, from the beginning of the race on.
struct window {
  std::uint64_t earliest_ns = 0;
  std::uint64_t latest_ns = 0;
};

/// What RFC 8305 makes of the candidates when nothing goes wrong; `order` is that in which they are tried.
class race_model {
 public:
  race_model(std::vector<candidate> order, const connect_options& options) : order_(std::move(order)) {
    const auto delay_ns = static_cast<std::uint64_t>(options.attempt_delay.count());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      window start = i == 0 ? window() : window{next_earliest_ns(delay_ns), next_latest_ns(delay_ns)};
      if (i >= options.attempts_max) wait_for_room(start, i - options.attempts_max);
      starts_.push_back(start);
      failures_.push_back(order_[i].fails() ? window{start.earliest_ns + order_[i].least_ns,
                                                     start.latest_ns + order_[i].most_ns}
                                            : window{never_ns, never_ns});
      if (order_[i].what == candidate::fate::answers)
        answer_by_ns_ = std::min(answer_by_ns_, start.latest_ns + order_[i].most_ns);
    }
  }

  const std::vector<candidate>& order() const noexcept { return order_; }
  const window& start(std::size_t of) const noexcept { return starts_[of]; }
  const window& failure(std::size_t of) const noexcept { return failures_[of]; }
  std::uint64_t answer_by_ns() const noexcept { return answer_by_ns_; }

 private:
  /// After the delay, or when one of those under way fails.
  std::uint64_t next_earliest_ns(std::uint64_t delay_ns) const {
    const std::uint64_t before_ns = starts_.back().earliest_ns;
    std::uint64_t next_ns = before_ns + delay_ns;
    for (const window& each : failures_)
      if (each.latest_ns >= before_ns) next_ns = std::min(next_ns, std::max(before_ns, each.earliest_ns));
    return next_ns;
  }
  std::uint64_t next_latest_ns(std::uint64_t delay_ns) const {
    return std::min(starts_.back().latest_ns + delay_ns, failures_.back().latest_ns);
  }

  /// Until all but `attempts_max - 1` of those before have failed.
  void wait_for_room(window& start, std::size_t failed) const {
    const auto nth = [&](std::uint64_t window::* edge) {
      std::vector<std::uint64_t> ends;
      for (const window& each : failures_) ends.push_back(each.*edge);
      std::ranges::sort(ends);
      return ends[failed];
    };
    start.earliest_ns = std::max(start.earliest_ns, nth(&window::earliest_ns));
    start.latest_ns = std::max(start.latest_ns, nth(&window::latest_ns));
  }

  std::vector<candidate> order_;
  std::vector<window> starts_;
  std::vector<window> failures_;
  std::uint64_t answer_by_ns_ = never_ns;
};

/// The families in turn, that of the first address first.
std::vector<candidate> in_turns(std::vector<candidate> listed) {
  std::vector<candidate> order;
  while (!listed.empty()) {
    const auto is_next = [&](const candidate& each) {
      return order.empty() || each.at.family() != order.back().at.family();
    };
    auto next = std::ranges::find_if(listed, is_next);
    if (next == listed.end()) next = listed.begin();
    order.push_back(*next);
    listed.erase(next);
  }
  return order;
}

class happy_eyeballs_run final : public sim::hosts_run {
 public:
  explicit happy_eyeballs_run(sim::world& in) : hosts_run(in) {
    std::vector<sim::host*> clients;
    for (const char* name : {"client 1", "client 2"}) clients.push_back(&add_host(name));
    for (std::uint32_t i = 0; i < targets_count; ++i) add_target("target " + std::to_string(i + 1), clients);
    for (const int family : {AF_INET, AF_INET6}) {
      candidate nowhere;
      nowhere.at = at(sim::socket_address::of_host(family, 99, port));
      candidates_.push_back(nowhere);
    }
    for (sim::host* each : clients) each->start([this](sim::host& on) { return connect_often(on); });
  }

  bool is_done() const override {
    (void)hosts_run::is_done(); // tells what a program has thrown; the targets' go on for ever
    return clients_done_ == 2;
  }

  void faults_stopped() override {
    in().net().heal_all();
    for (const auto& [client, target] : silent_pairs_) in().net().part(*client, *target);
    hosts_run::faults_stopped();
  }

 private:
  static constexpr std::uint32_t targets_count = 6;
  static constexpr std::uint16_t port = 7000;
  static constexpr int races_in_peace = 12;
  static constexpr std::uint64_t clean_up_most_ns = 30'000'000; ///< of operations that end late

  static address at(const sim::socket_address& of) { return {of.raw(), of.bytes()}; }

  // --- the targets ---

  void add_target(const std::string& name, const std::vector<sim::host*>& clients) {
    sim::host& target = add_host(name);
    const bool is_silent = draw().chance(250'000);
    const std::uint64_t far_ns = draw().chance(300'000) ? draw().below(1'500'000'000) : 0;
    const sim::link_options link(50'000 + far_ns, 200'000 + far_ns);
    for (sim::host* each : clients) {
      in().net().set_link(*each, target, link);
      if (is_silent) silent_pairs_.emplace_back(each, &target);
      if (is_silent) in().net().part(*each, target);
    }
    for (const int family : {AF_INET, AF_INET6}) {
      candidate made;
      made.at = at(target.at(port, family));
      made.host = target.number();
      made.least_ns = 2 * link.latency_least_ns;
      made.most_ns = 2 * link.latency_most_ns;
      const bool listens = draw().chance(500'000);
      if (is_silent)
        made.what = candidate::fate::silent;
      else
        made.what = listens ? candidate::fate::answers : candidate::fate::refused;
      if (made.what == candidate::fate::answers)
        target.start([this, made](sim::host&) { return serve(made); });
      candidates_.push_back(made);
    }
  }

  task<> serve(candidate as) {
    listen_options options;
    options.v6_only = true;
    result<listener> door = listener::bind(as.at, options);
    while (!door) {
      result<> slept = co_await sleep_for(milliseconds(10)); // no descriptor is free
      if (!slept) co_return;
      door = listener::bind(as.at, options);
    }
    const auto greet_all = [&](nursery& guests) -> task<result<>> {
      for (;;) {
        result<stream> guest = co_await door->accept();
        result<> goes_on;
        if (guest)
          goes_on = co_await guests.spawn(greet(std::move(*guest), as.host));
        else
          goes_on = co_await sleep_for(milliseconds(10));
        if (!goes_on) co_return goes_on;
      }
    };
    nursery_options isolated(1000, nursery_policy::isolate);
    [[maybe_unused]] result<> ended = co_await with_nursery(std::move(isolated), greet_all);
  }

  /// Says who it is, and waits for the end.
  static task<> greet(stream guest, std::uint32_t host) {
    const std::array<std::byte, 1> name{static_cast<std::byte>(host)};
    const transfer sent = co_await guest.write_all(name);
    if (!sent) co_return;
    [[maybe_unused]] result<lease> end = co_await with_deadline(seconds(30), guest.read());
  }

  // --- a client ---

  task<> connect_often(sim::host& on) {
    const std::size_t descriptors = on.descriptors().open_count();
    const std::size_t operations = loop::current()->outstanding();
    for (int in_peace = 0; in_peace < races_in_peace;) {
      result<> slept = co_await sleep_for(nanoseconds(clean_up_most_ns + draw().below(300'000'000)));
      if (!slept) co_return;
      demand(on.descriptors().open_count() == descriptors, "1: a descriptor is left over, or came later");
      demand(loop::current()->outstanding() == operations, "1: an operation is left over, or began later");
      if (is_calm()) ++in_peace;
      co_await race_once(on, descriptors);
    }
    ++clients_done_;
  }

  std::vector<candidate> drawn_list() {
    const bool none_answers = draw().chance(250'000);
    std::vector<candidate> from = candidates_, list;
    if (none_answers)
      std::erase_if(from, [](const candidate& each) { return each.what == candidate::fate::answers; });
    for (std::uint64_t count = draw().between(1, 6); count > 0 && !from.empty(); --count) {
      const auto drawn = from.begin() + static_cast<std::ptrdiff_t>(draw().below(from.size()));
      list.push_back(*drawn);
      from.erase(drawn);
    }
    return list;
  }

  connect_options drawn_options() {
    connect_options options;
    options.attempt_delay = milliseconds(draw().between(10, 1000));
    options.timeout = milliseconds(draw().between(100, 8000));
    options.attempts_max = draw().between(1, 8);
    return options;
  }

  task<> race_once(sim::host& on, std::size_t descriptors_before) {
    const bool is_in_peace = is_calm();
    const std::vector<candidate> list = drawn_list();
    const connect_options options = drawn_options();
    const auto timeout_ns = static_cast<std::uint64_t>(options.timeout.count());
    const std::uint64_t patience_ns =
        !is_in_peace && draw().chance(200'000) ? draw().below(2'000'000'000) : never_ns;
    std::vector<address> addresses;
    for (const candidate& each : list) addresses.push_back(each.at);

    const std::uint64_t began_ns = loop::current()->now_ns(), stalled_before_ns = on.stalled_ns();
    result<stream> made =
        co_await with_deadline(nanoseconds(patience_ns), connect_any(std::move(addresses), options));
    const std::uint64_t took_ns = loop::current()->now_ns() - began_ns;
    if (!on.is_up()) co_return; // the world ends

    const std::uint64_t late_ns = (on.stalled_ns() - stalled_before_ns) * 1001 / 1000 + clean_up_most_ns;
    demand(took_ns <= std::min(timeout_ns, patience_ns) + late_ns, "3: a race went on behind its deadline");
    demand(on.descriptors().open_count() == descriptors_before + (made ? 1 : 0),
           made ? "1: more than one connection is left" : "1: an attempt is left over");
    if (!made && patience_ns > timeout_ns) check_error(list, made.error(), timeout_ns, took_ns);
    if (is_in_peace) check_model(race_model(in_turns(list), options), made, timeout_ns, took_ns);
    note(took_ns, made.has_value(), list.size());
    if (made) co_await use(std::move(*made), list, is_in_peace);
  }

  /// Whatever goes wrong.
  void check_error(const std::vector<candidate>& list, const error& why, std::uint64_t timeout_ns,
                   std::uint64_t took_ns) {
    if (why.is_timeout()) {
      demand(took_ns >= timeout_ns, "3: time was up before it was");
    } else if (list.size() > 1) {
      for (const candidate& each : list)
        demand(is_named(why, each, ""), "4: a failure does not name all that were tried");
    } else {
      demand(why.endpoint() == list.front().at.to_string(), "4: a failure names another address");
    }
  }

  static bool is_named(const error& why, const candidate& which, std::string_view outcome) {
    std::string text = which.at.to_string() + " (";
    if (!outcome.empty()) text.append(outcome).append(")");
    return why.endpoint().find(text) != std::string_view::npos;
  }

  /// For clocks that drift, timers that fire at ticks, and the end of the attempts.
  static std::uint64_t tolerance_ns(std::uint64_t of_ns) { return of_ns / 500 + 2'000'000; }
  static bool is_surely_before(std::uint64_t what_ns, std::uint64_t other_ns) {
    return what_ns + tolerance_ns(what_ns) < other_ns;
  }

  void check_model(const race_model& model, const result<stream>& made, std::uint64_t timeout_ns,
                   std::uint64_t took_ns) {
    const std::uint64_t by_ns = model.answer_by_ns();
    if (is_surely_before(by_ns, timeout_ns))
      demand(made.has_value(), "5: an address answers, and was not found");
    if (made) {
      demand(!is_surely_before(by_ns, took_ns), "5: an address that answers was found late");
      return check_winner(model, *made, took_ns);
    }
    for (std::size_t i = 0; i < model.order().size(); ++i)
      check_named(model, i, made.error(), std::min(timeout_ns, took_ns));
  }

  void check_winner(const race_model& model, const stream& made, std::uint64_t took_ns) {
    const candidate* const winner = find(model.order(), made);
    demand(winner && winner->what == candidate::fate::answers,
           "2: a connection with an address that is not there");
    if (!winner) return;
    const auto place = static_cast<std::size_t>(winner - model.order().data());
    demand(!is_surely_before(took_ns, model.start(place).earliest_ns + winner->least_ns),
           "5: an address was tried before its time");
  }

  void check_named(const race_model& model, std::size_t place, const error& why, std::uint64_t ended_ns) {
    const candidate& which = model.order()[place];
    if (model.order().size() == 1 && !why.is_timeout())
      return demand(why == which.reason(), "4: a failure is not what has happened");
    if (is_surely_before(ended_ns, model.start(place).earliest_ns))
      demand(!is_named(why, which, ""), "5: an address is named that was not to be tried yet");
    const std::string failed = std::make_error_code(which.reason()).message();
    if (which.fails() && is_surely_before(model.failure(place).latest_ns, ended_ns))
      demand(is_named(why, which, failed), "4: an address failed, and is not named with it");
    if (which.what == candidate::fate::silent && is_surely_before(model.start(place).latest_ns, ended_ns))
      demand(is_named(why, which, "no answer"), "4: an address was silent, and is not named with it");
    if (!why.is_timeout()) demand(which.fails(), "4: it was given up though one had not failed");
  }

  static const candidate* find(const std::vector<candidate>& list, const stream& made) {
    const result<address> peer = made.remote_address();
    if (!peer) return nullptr; // it was reset
    const auto found =
        std::ranges::find(list, peer->to_string(), [](const candidate& each) { return each.at.to_string(); });
    return found == list.end() ? nullptr : &*found;
  }

  task<> use(stream made, const std::vector<candidate>& list, bool is_in_peace) {
    const candidate* const winner = find(list, made);
    if (made.remote_address()) demand(winner, "2: a connection with an address that was not asked for");
    std::array<std::byte, 1> name{};
    const transfer heard = co_await read_name(made, name);
    if (is_in_peace) demand(bool(heard), "2: nobody is at the other end of the connection");
    if (heard && winner)
      demand(std::to_integer<std::uint32_t>(name[0]) == winner->host, "2: somebody else is at the other end");
    [[maybe_unused]] result<> closed = co_await made.close();
  }
  static task<transfer> read_name(stream& from, std::span<std::byte> into) {
    deadline_scope limited(co_await current_cancellation(), seconds(10));
    co_return co_await from.read_exactly(into).under(&limited);
  }

  std::vector<candidate> candidates_;
  std::vector<std::pair<sim::host*, sim::host*>> silent_pairs_;
  int clients_done_ = 0;
};

} // namespace

constinit const sim::scenario happy_eyeballs{
    "happy_eyeballs",
    "of many attempts to connect one is left, found when the delays say, and an error names all",
    sim::begin_run<happy_eyeballs_run>};

} // namespace weir::scenarios
