// A DEALER whose connections break again and again: what waits in its queue waits for the next one.
//
// The ROUTER comes later than its client, takes what comes in fits and starts, and answers everything; the
// kernels hold little, so most of what is unsent stands in the client's queue. Rules:
//   1. What arrives was sent: whole, unchanged, in the order in which it was sent, and once; so are the
//   answers.
//   2. A message is missing only if a connection has ended since it was given to `send`.
//   3. All that go missing with one connection are no more than the kernels and the server's stream held:
//   what had not begun to leave is sent again. (Where a cancellation comes late the stream takes whatever
//   comes until then, so there is no bound.)
//   4. Without a connection exactly as many messages are taken as the high mark says, and the next waits.
//   5. Once faults have stopped, everything that is sent is answered.
//   6. Then no connection ends any more, though the server takes nothing for longer than the heartbeat's
//   patience: it is not silent, it waits for room, and goes on when there is some.
#include "scenarios.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class requeue_run final : public sim::hosts_run {
 public:
  explicit requeue_run(sim::world& in) : hosts_run(in), send_hwm_(in.random().between(2, 200)) {
    loop_options small_slots;
    small_slots.buffers.slot_bytes = 4096;
    small_slots.io.ring_slots = 4;
    small_slots.io.quantum_bytes = 16'384;
    add_host("server").start([this](sim::host&) { return serve(); }, small_slots);
    add_host("client").start([this](sim::host&) { return ask(); });
  }

 private:
  static constexpr const char* endpoint = "tcp://10.0.0.1:5556";
  static constexpr std::uint32_t messages_least = 400;
  static constexpr std::size_t body_bytes_max = 20'000;
  /// With one connection: the kernels hold 197'000, the server's stream as much again, and what it has of a
  /// message.
  static constexpr std::size_t lost_bytes_max = 450'000;
  static constexpr auto server_comes_after = milliseconds(1500);
  static constexpr auto server_pauses_for = milliseconds(8000);
  static constexpr std::uint32_t messages_of_pause = 60;

  /// A message that was given to `send`.
  struct sent_message {
    std::size_t bytes = 0;
    std::uint64_t broken_before = 0;
  };

  zmtp::socket_options common_options() {
    zmtp::socket_options options;
    options.receive_hwm = 4;
    options.linger = milliseconds(500);
    options.handshake_interval = milliseconds(3000);
    options.heartbeat_interval = milliseconds(1000); // or a connection that went silent would never end
    options.heartbeat_timeout = milliseconds(3000);
    options.send_bytes = 2'000'000;
    options.stream.credit_bytes = 4096;
    return options;
  }

  // --- messages ---

  struct numbered {
    std::uint32_t number = 0; ///< from 1 on
    std::uint32_t bytes = 0;  ///< of the body

    char at(std::size_t place) const noexcept { return static_cast<char>(number * 31 + place * 7); }
  };

  static zmtp::message make(const numbered& what) {
    std::string body(what.bytes, '\0');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = what.at(i);
    zmtp::message made;
    made.add().assign(std::string_view(reinterpret_cast<const char*>(&what), sizeof what));
    made.add().assign(body);
    return made;
  }

  /// The message that stands in `from` behind its first frames.
  bool parse(const zmtp::message& from, std::size_t first, numbered& into) {
    bool is_good = from.size() == first + 2 && from[first].size() == sizeof into;
    if (is_good) std::memcpy(&into, from[first].data(), sizeof into);
    is_good = is_good && from[first + 1].size() == into.bytes;
    for (std::size_t i = 0; is_good && i < into.bytes; ++i)
      is_good = static_cast<char>(from[first + 1].data()[i]) == into.at(i);
    demand(is_good, "1: something arrived that nobody has sent, or not whole");
    return is_good;
  }

  // --- the server ---

  task<> serve() {
    result<> outcome = co_await sleep_for(server_comes_after);
    zmtp::socket_options options = common_options();
    options.handover = true; // or who comes back would be refused while his old connection seems to stand
    zmtp::router server(options);
    result<std::string> bound = server.bind(endpoint);
    while (outcome && !bound) { // descriptors may be short
      outcome = co_await sleep_for(milliseconds(100));
      bound = server.bind(endpoint);
    }
    if (outcome) co_await answer_all(server);
    [[maybe_unused]] result<> closed = co_await shield(server.close());
  }

  task<> answer_all(zmtp::router& server) {
    zmtp::message received;
    result<> outcome;
    while (outcome && !has_client_ended_) {
      if (is_settled_ && !std::exchange(has_paused_, true)) outcome = co_await sleep_for(server_pauses_for);
      if (!outcome) co_return;
      outcome = co_await with_deadline(milliseconds(200), receive(server, received));
      if (!outcome && outcome.error().is_timeout()) {
        outcome = result<>();
        continue;
      }
      numbered what;
      if (!outcome || !parse(received, 1, what)) co_return;
      arrived(what);
      outcome = co_await server.send(received);
      if (outcome && draw().chance(100'000))
        outcome = co_await sleep_for(nanoseconds(draw().below(2'000'000'000)));
    }
  }
  static task<result<>> receive(zmtp::socket& from, zmtp::message& into) {
    co_return co_await from.receive(into);
  }

  void arrived(const numbered& what) {
    demand(what.number <= sent_.size(), "1: a message arrived before it was sent");
    demand(what.number > arrived_, "1: a message arrived twice, or behind a later one");
    if (what.number > sent_.size() || what.number <= arrived_) return;
    check_missing(what.number);
    arrived_ = what.number;
    note(what.number, broken_);
  }

  /// What lies between the last that arrived and this one.
  void check_missing(std::uint32_t number) {
    if (number == arrived_ + 1) return;
    std::size_t lost_bytes = 0;
    for (std::uint32_t missing = arrived_ + 1; missing < number; ++missing) {
      const sent_message& each = sent_[missing - 1];
      lost_bytes += each.bytes;
      demand(broken_ > each.broken_before,
             "2: a message is missing, and no connection has ended since it was sent");
    }
    if (in().faults().count(sim::fault::cancel_came_late) > 0) return;
    const std::uint64_t broken_since = broken_ - sent_[arrived_].broken_before;
    demand(lost_bytes <= broken_since * lost_bytes_max,
           "3: a connection took more messages with it than had begun to leave");
  }

  // --- the client ---

  task<> ask() {
    zmtp::socket_options options = common_options();
    options.send_hwm = send_hwm_;
    options.routing_id = "client";
    options.reconnect_interval = milliseconds(10 + draw().below(200));
    options.on_event = [this](const zmtp::socket_event& what) {
      if (what.kind != zmtp::socket_event_kind::disconnected) return;
      ++broken_;
      demand(!is_settled_, "6: nothing goes wrong any more, and a connection ended");
    };
    zmtp::dealer client(options);
    result<> connected = client.connect(endpoint);
    demand(connected.has_value(), "5: a client could not even begin to connect");
    if (connected) {
      co_await fill(client);
      [[maybe_unused]] auto outcome = co_await when_any(send_all(client), hear_all(client));
      is_settled_ = false;
    }
    has_client_ended_ = true;
    [[maybe_unused]] result<> closed = co_await shield(client.close());
  }

  /// To the mark, while nobody is there.
  task<> fill(zmtp::dealer& client) {
    result<> outcome;
    while (outcome && sent_.size() <= send_hwm_) outcome = co_await send_next(client, milliseconds(1));
    if (outcome || outcome.error().is_timeout())
      demand(sent_.size() == send_hwm_ && !outcome,
             "4: not as many messages were taken as the high mark says");
  }

  task<result<>> send_next(zmtp::dealer& client, nanoseconds patience) {
    const numbered what{
        static_cast<std::uint32_t>(sent_.size() + 1),
        static_cast<std::uint32_t>(draw().below(draw().chance(300'000) ? 100 : body_bytes_max))};
    zmtp::message next = make(what);
    sent_.push_back({what.bytes, broken_});
    result<> sent = co_await with_deadline(patience, send(client, next));
    if (!sent) sent_.pop_back();
    co_return sent;
  }
  static task<result<>> send(zmtp::socket& to, zmtp::message& what) { co_return co_await to.send(what); }

  task<result<>> send_all(zmtp::dealer& client) {
    result<> outcome = co_await send_until_answered(client);
    if (outcome) outcome = co_await sleep_for(milliseconds(5000));
    is_settled_ = outcome.has_value();
    const std::size_t last = sent_.size() + messages_of_pause;
    while (outcome && sent_.size() < last) outcome = co_await send_next(client, std::chrono::hours(1));
    while (outcome && answered_ < last) outcome = co_await sleep_for(milliseconds(100));
    co_return outcome;
  }

  /// All that it has to say, and more until faults have stopped and one that came behind is answered.
  task<result<>> send_until_answered(zmtp::dealer& client) {
    std::uint32_t last = 0;
    result<> outcome;
    while (last == 0 || answered_ < last) {
      const bool has_said_all = sent_.size() >= messages_least;
      if (has_said_all && is_calm() && last == 0) last = static_cast<std::uint32_t>(sent_.size() + 1);
      if (has_said_all)
        outcome = co_await sleep_for(milliseconds(500));
      else if (draw().chance(100'000))
        outcome = co_await sleep_for(nanoseconds(draw().below(1'000'000'000)));
      if (!outcome) co_return outcome;
      outcome = co_await send_next(client, std::chrono::hours(1));
      if (!outcome) co_return outcome;
    }
    co_return result<>();
  }

  task<result<>> hear_all(zmtp::dealer& client) {
    zmtp::message answer;
    for (;;) {
      result<> outcome = co_await client.receive(answer);
      numbered what;
      if (!outcome || !parse(answer, 0, what)) co_return outcome;
      demand(what.number > answered_, "1: an answer came twice, or behind a later one");
      demand(what.number <= arrived_, "1: an answer came to what has not arrived");
      answered_ = what.number;
    }
  }

  std::size_t send_hwm_;
  std::vector<sent_message> sent_; ///< number 1 first
  std::uint64_t broken_ = 0;       ///< connections of the client that ended
  std::uint32_t arrived_ = 0;      ///< the last
  std::uint32_t answered_ = 0;     ///< the last whose answer came
  bool has_client_ended_ = false;
  bool is_settled_ = false; ///< the server pauses, and no connection may end
  bool has_paused_ = false;
};

constexpr sim::scenario described_requeue() {
  sim::scenario made{
      "requeue",
      "a queue outlives its connections: what had not begun to leave is neither lost nor out of order",
      sim::begin_run<requeue_run>};
  made.liveness_ns = 400'000'000'000;
  return made;
}

} // namespace

constinit const sim::scenario requeue = described_requeue();

} // namespace weir::scenarios
