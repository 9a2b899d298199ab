// Many DEALER sockets with one ROUTER whose host crashes and comes back, and is cut off from theirs and found
// again: they all lose it at once, and all want it back.
//
// Each dealer sends numbered messages, which the router answers. Rules:
//   1. What arrives was sent: from each dealer, and to it, in the order in which it was sent, none twice.
//   2. Between the end of a connection, or of an attempt, and the end of the next attempt lies at least the
//   interval of that moment, which doubles up to its bound and begins anew with a connection.
//   3. Those who lost the router together do not come back together: few come as soon as they may.
//   4. Once faults have stopped all are connected, each once, and a new message of each is answered.
//   5. Closed sockets leave no descriptor.
#include "scenarios.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/fault_plan.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/sim/network.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t in_ns(milliseconds of) noexcept {
  return static_cast<std::uint64_t>(nanoseconds(of).count());
}

/// What a dealer sends and is answered with.
struct storm_message {
  std::uint32_t dealer = 0;
  std::uint32_t number = 0; ///< from 1 on

  zmtp::message made() const {
    zmtp::message whole;
    whole.add().assign(std::string_view(reinterpret_cast<const char*>(this), sizeof *this));
    return whole;
  }
  static bool parse(const zmtp::frame& from, storm_message& into) noexcept {
    if (from.size() != sizeof into) return false;
    std::memcpy(&into, from.data(), sizeof into);
    return true;
  }
};

/// When a dealer may try again.
class backoff_model {
 public:
  backoff_model() noexcept = default;
  backoff_model(milliseconds interval, milliseconds most) noexcept
      : least_ns_(in_ns(interval)), most_ns_(in_ns(most)), interval_ns_(least_ns_) {}

  void ended(std::uint64_t now_ns) noexcept { since_ns_ = now_ns; }
  /// An attempt has ended; how much later than it was due at the earliest: below 0, it came too early. The
  /// very first may come at any time.
  std::int64_t tried(std::uint64_t now_ns, bool has_connected) noexcept {
    const bool is_first = since_ns_ == 0;
    const std::uint64_t due_ns = is_first ? 0 : since_ns_ + interval_ns_;
    if (!is_first) interval_ns_ = std::max(interval_ns_, std::min(interval_ns_ * 2, most_ns_));
    if (has_connected) interval_ns_ = least_ns_;
    since_ns_ = now_ns;
    return static_cast<std::int64_t>(now_ns - due_ns);
  }

 private:
  std::uint64_t least_ns_ = 0;
  std::uint64_t most_ns_ = 0;
  std::uint64_t interval_ns_ = 0;
  std::uint64_t since_ns_ = 0; ///< 0: nothing has ended so far
};

sim::misfortune_options storms() {
  sim::misfortune_options options;
  options.pause_most_ns = 1'000'000'000;
  options.down_most_ns = 2'000'000'000;
  return options;
}

class reconnect_storms_run final : public sim::hosts_run {
 public:
  explicit reconnect_storms_run(sim::world& in)
      : hosts_run(in, storms()), takes_over_(in.random().chance(500'000)), router_(add_host("router")) {
    using sim::fault;
    if (in.faults().per_million(fault::host_crash) != 0) in.faults().set(fault::host_crash, 300'000);
    fate().may_crash(router_);
    router_.start([this](sim::host&) { return serve(); });
    dealers_.resize(hosts_count * dealers_each);
    for (std::uint32_t i = 0; i < hosts_count; ++i) {
      sim::host& home = add_host("dealers " + std::to_string(i + 1));
      for (std::uint32_t j = 0; j < dealers_each; ++j)
        home.start([this, index = i * dealers_each + j](sim::host&) { return keep_asking(index); });
    }
  }

  void faults_stopped() override {
    in().net().heal_all();
    hosts_run::faults_stopped();
  }

  void check_end() override {
    demand(waits_ < waits_that_tell || prompt_ * 4 < waits_,
           "3: those who lost the router come back together");
    demand(!in().has_open_descriptors(), "5: a descriptor is left over");
  }

 private:
  static constexpr const char* endpoint = "tcp://10.0.0.1:5555";
  static constexpr std::uint32_t hosts_count = 3, dealers_each = 4;
  static constexpr std::uint64_t waits_that_tell = 40;
  static constexpr std::int64_t prompt_ns = 2'000'000;

  struct dealer_record {
    std::uint32_t sent = 0;
    std::uint32_t received = 0; ///< the last that has arrived
    std::uint32_t answered = 0; ///< the last whose answer has arrived
    std::uint32_t in_peace = 0; ///< the first that was sent when faults had stopped
    backoff_model backoff;

    bool is_back() const noexcept { return in_peace != 0 && answered >= in_peace; }
  };

  zmtp::socket_options common_options() {
    zmtp::socket_options options;
    options.send_hwm = options.receive_hwm = 16;
    options.linger = milliseconds(100);
    options.handshake_interval = milliseconds(3000);
    options.heartbeat_interval = milliseconds(1000);
    options.heartbeat_timeout = milliseconds(3000);
    return options;
  }

  // --- the router ---

  task<> serve() {
    zmtp::socket_options options = common_options();
    options.handover = takes_over_;
    zmtp::router server(options);
    result<std::string> bound = server.bind(endpoint);
    while (!bound) { // descriptors may be short
      result<> slept = co_await sleep_for(milliseconds(100));
      if (!slept) break;
      bound = server.bind(endpoint);
    }
    if (bound) co_await answer_all(server);
    [[maybe_unused]] result<> closed = co_await shield(server.close());
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  task<> answer_all(zmtp::router& server) {
    zmtp::message received;
    while (!are_all_back_) {
      result<> outcome = co_await with_deadline(milliseconds(200), receive(server, received));
      if (outcome && take(received)) {
        received.truncate(2); // the routing id and what it says go back
        outcome = co_await server.send(received);
      }
      if (!outcome && !outcome.error().is_timeout()) co_return;
      const bool are_back = std::ranges::all_of(dealers_, &dealer_record::is_back);
      are_all_back_ = are_back && server.connected() == dealers_.size();
    }
  }
  static task<result<>> receive(zmtp::socket& from, zmtp::message& into) {
    co_return co_await from.receive(into);
  }

  bool take(const zmtp::message& received) {
    storm_message from;
    const bool is_known =
        received.size() == 2 && storm_message::parse(received[1], from) && from.dealer < dealers_.size();
    demand(is_known, "1: a message arrived that nobody sent");
    if (!is_known) return false;
    dealer_record& dealer = dealers_[from.dealer];
    demand(received[0] == routing_id_of(from.dealer), "1: a message came under another's name");
    demand(from.number <= dealer.sent, "1: a message arrived before it was sent");
    demand(from.number > dealer.received, "1: a message arrived twice, or behind a later one");
    dealer.received = from.number;
    note(from.dealer, from.number, 1);
    return true;
  }

  // --- a dealer ---

  static std::string routing_id_of(std::uint32_t dealer) { return "dealer-" + std::to_string(dealer); }

  task<> keep_asking(std::uint32_t index) {
    dealer_record& mine = dealers_[index];
    zmtp::socket_options options = common_options();
    options.routing_id = routing_id_of(index);
    options.reconnect_interval = milliseconds(draw().between(50, 200));
    options.reconnect_interval_max = milliseconds(draw().chance(500'000) ? draw().below(1500) : 0);
    mine.backoff = backoff_model(options.reconnect_interval, options.reconnect_interval_max);
    options.on_event = [this, &mine](const zmtp::socket_event& what) { watch(mine, what.kind); };
    zmtp::dealer client(options);
    result<> connected = client.connect(endpoint);
    demand(connected.has_value(), "4: a dealer could not even begin to connect");
    if (connected) {
      [[maybe_unused]] auto ended =
          co_await when_any(send_until_all_are_back(client, index), hear_all(client, index));
    }
    [[maybe_unused]] result<> closed = co_await shield(client.close());
    [[maybe_unused]] result<> cleaned_up = co_await sleep_for(milliseconds(50));
  }

  void watch(dealer_record& mine, zmtp::socket_event_kind what) {
    using enum zmtp::socket_event_kind;
    const std::uint64_t now_ns = loop::current()->now_ns();
    if (what == handshake_failed || what == disconnected) mine.backoff.ended(now_ns);
    if (what != connected && what != connect_failed) return;
    const std::int64_t late_ns = mine.backoff.tried(now_ns, what == connected);
    demand(late_ns >= 0, "2: an attempt came before its time");
    ++waits_;
    if (late_ns < prompt_ns) ++prompt_;
  }

  task<result<>> send_until_all_are_back(zmtp::dealer& client, std::uint32_t index) {
    dealer_record& mine = dealers_[index];
    while (!are_all_back_) {
      const milliseconds pause(mine.is_back() ? 200 : draw().below(600));
      result<> outcome = co_await sleep_for(pause);
      if (outcome && !mine.is_back()) {
        const storm_message next{index, ++mine.sent};
        if (is_calm() && mine.in_peace == 0) mine.in_peace = next.number;
        zmtp::message whole = next.made();
        outcome = co_await client.send(whole);
      }
      if (!outcome) co_return outcome;
    }
    co_return result<>();
  }

  task<result<>> hear_all(zmtp::dealer& client, std::uint32_t index) {
    dealer_record& mine = dealers_[index];
    zmtp::message answer;
    for (;;) {
      result<> outcome = co_await client.receive(answer);
      if (!outcome) co_return outcome;
      storm_message to;
      demand(answer.size() == 1 && storm_message::parse(answer[0], to), "1: an answer came that nobody sent");
      demand(to.dealer == index, "1: an answer came to the wrong dealer");
      demand(to.number > mine.answered, "1: an answer came twice, or behind a later one");
      demand(to.number <= mine.received, "1: an answer came to what has not arrived");
      mine.answered = to.number;
    }
  }

  bool takes_over_;
  sim::host& router_;
  std::vector<dealer_record> dealers_;
  bool are_all_back_ = false;
  std::uint64_t waits_ = 0;
  std::uint64_t prompt_ = 0; ///< of these, that came as soon as they may
};

} // namespace

constinit const sim::scenario reconnect_storms{
    "reconnect_storms", "dealers that lose their router all at once come back in turn, and lose no order",
    sim::begin_run<reconnect_storms_run>, 5'000'000'000};

} // namespace weir::scenarios
