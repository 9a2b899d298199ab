// DEALER clients send numbered messages to a ROUTER, which answers each, stalls and resumes, while
// connections break, hosts crash and the network is what it is.
//
// Queues are short, so a server that does not receive stops its clients. Rules:
//   1. What arrives was sent: whole, unchanged, by who it says.
//   2. From each client messages arrive in the order in which they were sent, and none twice; so do the
//   answers.
//   3. A message is missing only where a connection broke: no more gaps than the client's connections had
//   ends.
//   4. Once faults have stopped every client gets an answer to a new message, and everything ends.
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

/// What a client sends and is answered with: who, and which.
struct exchange_header {
  std::uint32_t client = 0;
  std::uint32_t number = 0; ///< from 1 on

  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(this), sizeof *this}; }
  static bool parse(const zmtp::frame& from, exchange_header& into) noexcept {
    if (from.size() != sizeof into) return false;
    std::memcpy(&into, from.data(), sizeof into);
    return true;
  }
};

char exchange_byte(const exchange_header& of, std::size_t at) noexcept {
  return static_cast<char>(of.client * 131 + of.number * 31 + at * 7);
}

class exchange_run final : public sim::hosts_run {
 public:
  explicit exchange_run(sim::world& in) : hosts_run(in), takes_over_(in.random().chance(500'000)) {
    sim::host& server = add_host("server");
    if (in.random().chance(500'000)) fate().may_crash(server);
    server.start([this](sim::host&) { return serve(); });
    clients_.resize(in.random().between(1, 3));
    for (std::uint32_t i = 0; i < clients_.size(); ++i) {
      sim::host& client = add_host("client " + std::to_string(i + 1));
      if (in.random().chance(300'000)) fate().may_crash(client);
      client.start([this, i](sim::host&) { return ask(i); });
    }
  }

 private:
  static constexpr const char* server_endpoint = "tcp://10.0.0.1:5555";
  static constexpr std::uint32_t messages_each = 40;

  struct client_record {
    std::uint32_t begun = 0;    ///< messages given to `send`
    std::uint32_t received = 0; ///< the last that arrived
    std::uint32_t answered = 0; ///< the last whose answer arrived
    std::uint32_t gaps = 0;
    std::uint32_t broken = 0; ///< connections that ended, crashes included
    bool has_started = false;
    bool has_ended = false;
  };

  zmtp::socket_options common_options() {
    zmtp::socket_options options;
    options.send_hwm = options.receive_hwm = 8;
    options.linger = milliseconds(500);
    options.handshake_interval = milliseconds(5000);
    options.heartbeat_interval = milliseconds(1000); // or a connection that went silent would never end
    options.heartbeat_timeout = milliseconds(3000);
    return options;
  }

  // --- the server ---

  bool have_clients_ended() const {
    for (const client_record& each : clients_)
      if (!each.has_ended) return false;
    return true;
  }

  task<> serve() {
    zmtp::socket_options options = common_options();
    options.handover = takes_over_;
    zmtp::router server(options);
    result<std::string> bound = server.bind(server_endpoint);
    while (!bound) { // descriptors may be short
      result<> slept = co_await sleep_for(milliseconds(100));
      if (!slept) break;
      bound = server.bind(server_endpoint);
    }
    result<> outcome;
    if (bound) outcome = co_await answer_all(server);
    [[maybe_unused]] result<> closed = co_await shield(server.close());
  }

  task<result<>> answer_all(zmtp::router& server) {
    zmtp::message received;
    while (!have_clients_ended()) {
      result<> outcome = co_await with_deadline(milliseconds(200), receive(server, received));
      if (!outcome && outcome.error().is_timeout()) continue;
      if (!outcome) co_return outcome;
      exchange_header from;
      if (!take(received, from)) continue;
      received.truncate(2); // the routing id and the header go back
      outcome = co_await server.send(received);
      if (!outcome) co_return outcome;
      if (draw().chance(50'000)) {
        outcome = co_await sleep_for(nanoseconds(draw().below(3'000'000'000))); // its clients stall
        if (!outcome) co_return outcome;
      }
    }
    co_return result<>();
  }
  static task<result<>> receive(zmtp::socket& from, zmtp::message& into) {
    co_return co_await from.receive(into);
  }

  bool take(const zmtp::message& received, exchange_header& from) {
    const bool is_known =
        received.size() == 3 && exchange_header::parse(received[1], from) && from.client < clients_.size();
    demand(is_known, "1: a message arrived that nobody sent");
    if (!is_known) return false;
    client_record& client = clients_[from.client];
    demand(received[0] == routing_id_of(from.client), "1: a message came under another's name");
    demand(is_whole(received[2], from), "1: a message was changed on its way");
    demand(from.number <= client.begun, "1: a message arrived before it was sent");
    demand(from.number > client.received, "2: a message arrived twice, or behind a later one");
    if (from.number > client.received + 1) ++client.gaps;
    demand(client.gaps <= client.broken, "3: messages are missing though no connection broke");
    client.received = from.number;
    note(from.client, from.number, 1);
    return true;
  }

  static bool is_whole(const zmtp::frame& body, const exchange_header& of) {
    for (std::size_t i = 0; i < body.size(); ++i)
      if (static_cast<char>(body.data()[i]) != exchange_byte(of, i)) return false;
    return true;
  }

  // --- a client ---

  static std::string routing_id_of(std::uint32_t client) { return "client-" + std::to_string(client); }

  task<> ask(std::uint32_t index) {
    client_record& mine = clients_[index];
    if (std::exchange(mine.has_started, true)) ++mine.broken; // it crashed
    zmtp::socket_options options = common_options();
    options.routing_id = routing_id_of(index);
    options.reconnect_interval = milliseconds(10 + draw().below(200));
    options.on_event = [&mine](const zmtp::socket_event& what) {
      if (what.kind == zmtp::socket_event_kind::disconnected) ++mine.broken;
    };
    zmtp::dealer client(options);
    result<> connected = client.connect(server_endpoint);
    demand(connected.has_value(), "4: a client could not even begin to connect");
    if (connected) co_await converse(client, index);
    [[maybe_unused]] result<> closed = co_await shield(client.close());
  }

  task<> converse(zmtp::dealer& client, std::uint32_t index) {
    [[maybe_unused]] auto outcome =
        co_await when_any(send_until_answered(client, index), hear_all(client, index));
  }

  /// All that it has to say, and then a farewell again and again until one is answered.
  task<result<>> send_until_answered(zmtp::dealer& client, std::uint32_t index) {
    client_record& mine = clients_[index];
    while (mine.answered <= messages_each) {
      const bool is_farewell = mine.begun >= messages_each;
      result<> outcome;
      if (is_farewell)
        outcome = co_await sleep_for(milliseconds(500));
      else if (draw().chance(300'000))
        outcome = co_await sleep_for(nanoseconds(draw().below(200'000'000)));
      if (!outcome) co_return outcome;
      const exchange_header header{index, ++mine.begun};
      zmtp::message next = make_message(header);
      outcome = co_await client.send(next);
      if (!outcome) co_return outcome;
      note(index, header.number);
    }
    mine.has_ended = true;
    co_return result<>();
  }

  zmtp::message make_message(const exchange_header& header) {
    std::string body(draw().below(draw().chance(50'000) ? 40'000 : 200), '\0');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = exchange_byte(header, i);
    zmtp::message made;
    made.add().assign(header.text());
    made.add().assign(body);
    return made;
  }

  task<result<>> hear_all(zmtp::dealer& client, std::uint32_t index) {
    client_record& mine = clients_[index];
    zmtp::message answer;
    for (;;) {
      result<> outcome = co_await client.receive(answer);
      if (!outcome) co_return outcome;
      exchange_header to;
      demand(answer.size() == 1 && exchange_header::parse(answer[0], to),
             "1: an answer came that nobody sent");
      demand(to.client == index, "1: an answer came to the wrong client");
      demand(to.number > mine.answered, "2: an answer came twice, or behind a later one");
      demand(to.number <= clients_[index].received, "1: an answer came to what has not arrived");
      mine.answered = to.number;
    }
  }

  bool takes_over_;
  std::vector<client_record> clients_;
};

} // namespace

constinit const sim::scenario exchange{
    "exchange", "messages arrive whole, in order and once, and are missing only where a connection broke",
    sim::begin_run<exchange_run>};

} // namespace weir::scenarios
