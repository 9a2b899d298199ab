// Clients ask workers through the proxy of `weir proxy` (zmtp/proxy.hpp), three and two hosts with one
// between them, while connections break, hosts crash, workers stall, and the proxy is told to end and started
// again.
//
// Workers connect to the proxy or the other way round. Queues are short, or bounded by bytes only. Rules:
//   1. What a worker gets was asked: whole, unchanged, by that client, and comes to one worker once.
//   2. Each answer comes to the client who asked, unchanged, once, and was given by a worker.
//   3. Of one client the requests come to a worker in the order in which they were sent, and the answers of a
//   worker come to a client in the order in which they were given.
//   4. No client holds more of the proxy's receive memory than its share, so that replies always find some;
//   and no more is unsent to a peer than its queue may hold.
//   5. While no connection breaks, each request is answered. Once faults have stopped each client gets an
//   answer to a new one, and everything ends.
#include "proxied_message.hpp"
#include "scenarios.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/sim/hosts_run.hpp>
#include <weir/zmtp/proxy.hpp>
#include <weir/zmtp/proxy_memory.hpp>

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class proxy_run final : public sim::hosts_run {
 public:
  explicit proxy_run(sim::world& in) : hosts_run(in), workers_listen_(draw().chance(400'000)) {
    constexpr std::array hwm_choices{0u, 4u, 1000u};
    hwm_ = hwm_choices[draw().below(hwm_choices.size())];
    add_program(
        "proxy", 400'000, [this](sim::host&) { return mediate(); },
        zmtp::proxy_memory(memory_bytes).options_of_loop());
    for (std::uint32_t i = 1; i <= proxy_workers; ++i)
      add_program("worker " + std::to_string(i), 300'000, [this, i](sim::host&) { return work(i); });
    for (std::uint32_t i = 0; i < proxy_clients; ++i)
      add_program("client " + std::to_string(i + 1), 200'000, [this, i](sim::host&) { return ask(i); });
  }

 private:
  static constexpr std::uint16_t frontend_port = 5555;
  static constexpr const char* frontend_endpoint = "tcp://10.0.0.1:5555";
  static constexpr const char* backend_endpoint = "tcp://10.0.0.1:5556";
  static constexpr std::uint64_t memory_bytes = zmtp::proxy_memory::bytes_min;
  static constexpr std::size_t send_bytes = 64 << 10; ///< to one peer
  static constexpr std::uint32_t requests_each = 24;
  static constexpr std::size_t large_body_bytes = 40'000;
  static constexpr std::size_t message_bytes_max = large_body_bytes + 1000; ///< with all that is around it

  struct client_record {
    std::vector<bool> arrived{false}; ///< at a worker, by number; 0 is none
    std::vector<bool> answered{false};
    std::uint32_t answers = 0;
    bool farewell_answered = false;
    bool has_started = false;
    bool has_ended = false;

    std::uint32_t begun() const noexcept { return static_cast<std::uint32_t>(arrived.size()) - 1; }
    std::uint32_t begin_next() {
      arrived.push_back(false);
      answered.push_back(false);
      return begun();
    }
  };
  struct worker_record {
    std::array<std::uint32_t, proxy_clients> last_request{}; ///< that came, of each client
    std::array<std::uint32_t, proxy_clients> last_answer{};  ///< that came back to each client
    std::vector<std::pair<std::uint32_t, std::uint32_t>>
        given; ///< client and number, in no order that counts
    bool has_started = false;
  };

  void add_program(const std::string& name, std::uint32_t mortal_per_million, sim::host::program what,
                   const loop_options& options = loop_options()) {
    sim::host& on = add_host(name);
    if (draw().chance(mortal_per_million)) fate().may_crash(on);
    on.start(std::move(what), options);
  }

  zmtp::socket_options common_options(std::string routing_id) {
    zmtp::socket_options options;
    options.routing_id = std::move(routing_id);
    options.send_hwm = options.receive_hwm = hwm_;
    options.send_bytes = send_bytes;
    options.linger = milliseconds(500);
    options.reconnect_interval = milliseconds(10 + draw().below(200));
    options.handshake_interval = seconds(5);
    options.heartbeat_interval = seconds(1); // or a connection that went silent would never end
    options.heartbeat_timeout = seconds(3);
    options.handover = true; // whoever crashed comes back before its silence is noticed
    options.on_event = [this](const zmtp::socket_event& what) {
      if (what.kind == zmtp::socket_event_kind::disconnected) ++breaks_;
    };
    return options;
  }

  bool have_clients_ended() const {
    for (const client_record& each : clients_)
      if (!each.has_ended) return false;
    return true;
  }

  /// Descriptors may be short: until it could listen there, or it is cancelled.
  static task<bool> listen_at(zmtp::socket& which, std::string_view endpoint) {
    result<std::string> bound = which.bind(endpoint);
    while (!bound) {
      result<> slept = co_await sleep_for(milliseconds(100));
      if (!slept) break;
      bound = which.bind(endpoint);
    }
    co_return bound.has_value();
  }

  // --- the proxy ---

  task<> mediate() {
    if (std::exchange(has_mediated_, true)) ++breaks_; // it crashed
    bool goes_on = true;
    while (goes_on) {
      const bool is_renewed = co_await mediate_once();
      goes_on = is_renewed && !have_clients_ended();
    }
  }

  /// True: it came to its end by itself.
  task<bool> mediate_once() {
    zmtp::proxy_options options;
    options.frontend = common_options({});
    options.backend = common_options("proxy");
    zmtp::proxy between(std::move(options));
    bool goes_on = co_await open(between);
    if (goes_on) {
      auto outcome = co_await when_any(between.forward(), watch_memory(between), until_told_to_end(between));
      goes_on = std::get<2>(outcome.values).has_value();
    }
    note(between.take_left_behind());
    [[maybe_unused]] result<> closed = co_await shield(with_deadline(seconds(2), between.close()));
    co_return goes_on;
  }

  task<bool> open(zmtp::proxy& between) {
    const bool has_frontend = co_await listen_at(between.frontend(), frontend_endpoint);
    if (!has_frontend) co_return false;
    if (!workers_listen_) co_return co_await listen_at(between.backend(), backend_endpoint);
    for (std::uint32_t i = 1; i <= proxy_workers; ++i) {
      result<> connected = between.backend().connect(worker_endpoint(i));
      demand(connected.has_value(), "5: the proxy could not even begin to connect");
    }
    co_return true;
  }

  /// When all is done; or somewhere in the midst, as an administrator does it.
  task<result<>> until_told_to_end(zmtp::proxy& between) {
    const bool is_renewed = draw().chance(300'000);
    const auto end = deadline(nanoseconds(draw().below(8'000'000'000))).resolve_ns(loop::current()->now_ns());
    result<> slept;
    while (slept && !have_clients_ended() && !(is_renewed && loop::current()->now_ns() >= end))
      slept = co_await sleep_for(milliseconds(100));
    if (!slept) co_return slept;
    ++breaks_;
    between.stop_accepting();
    result<> settled = co_await with_deadline(seconds(3), between.settled());
    if (!settled && !settled.error().is_timeout()) co_return settled;
    co_return result<>();
  }

  task<> watch_memory(zmtp::proxy& between) {
    const zmtp::proxy_memory memory(*loop::current());
    result<> slept;
    while (slept) {
      check_memory(between, memory);
      slept = co_await sleep_for(milliseconds(5));
    }
  }

  void check_memory(const zmtp::proxy& between, const zmtp::proxy_memory& memory) {
    demand(between.frontend().connected() <= memory.clients_max(), "4: more clients are let in than fit");
    loop::current()->for_each_holder([&](const memory_holder& each) {
      const held_memory held = each.held();
      if (is_of_client(held.descriptor))
        demand(held.held_bytes <= memory.client_bytes_max(), "4: a client holds more than its share");
      demand(held.unsent_bytes <= send_bytes + message_bytes_max, "4: more is unsent than a queue may hold");
    });
  }
  static bool is_of_client(int connection) {
    sockaddr_in at{};
    socklen_t at_bytes = sizeof at;
    return calls().getsockname(connection, reinterpret_cast<sockaddr*>(&at), &at_bytes) == 0 &&
           ntohs(at.sin_port) == frontend_port;
  }

  // --- a worker ---

  static std::string worker_endpoint(std::uint32_t worker) {
    return "tcp://10.0.0." + std::to_string(1 + worker) + ":6000";
  }

  std::unique_ptr<zmtp::socket> make_worker_socket(std::uint32_t worker) {
    zmtp::socket_options options = common_options("worker-" + std::to_string(worker));
    if (workers_listen_) return std::make_unique<zmtp::router>(std::move(options));
    return std::make_unique<zmtp::dealer>(std::move(options));
  }

  task<> work(std::uint32_t index) {
    if (std::exchange(workers_[index - 1].has_started, true)) ++breaks_; // it crashed
    const std::unique_ptr<zmtp::socket> socket = make_worker_socket(index);
    bool is_open = true;
    if (workers_listen_)
      is_open = co_await listen_at(*socket, worker_endpoint(index));
    else
      is_open = socket->connect(backend_endpoint).has_value();
    if (is_open) {
      [[maybe_unused]] auto outcome = co_await when_any(answer_all(*socket, index), until_clients_ended());
    }
    [[maybe_unused]] result<> closed = co_await shield(socket->close());
  }

  task<> until_clients_ended() {
    result<> slept;
    while (slept && !have_clients_ended()) slept = co_await sleep_for(milliseconds(200));
  }

  task<> answer_all(zmtp::socket& socket, std::uint32_t index) {
    zmtp::message received;
    result<> outcome;
    while (outcome) {
      outcome = co_await with_deadline(milliseconds(200), receive(socket, received));
      if (!outcome && outcome.error().is_timeout()) {
        outcome = result<>();
        continue;
      }
      proxied_header request;
      if (!outcome || !take_request(received, request, index)) continue;
      if (draw().chance(30'000)) outcome = co_await sleep_for(nanoseconds(draw().below(3'000'000'000)));
      if (!outcome) co_return;
      received.truncate(received.size() - 2); // the envelope goes back
      answer_to(request, index).write_to(received);
      outcome = co_await socket.send(received);
    }
  }
  static task<result<>> receive(zmtp::socket& from, zmtp::message& into) {
    co_return co_await from.receive(into);
  }

  bool take_request(const zmtp::message& received, proxied_header& request, std::uint32_t index) {
    const bool is_known = request.read_from(received) && request.worker == 0;
    demand(is_known, "1: a request came that nobody sent, or not as it was sent");
    if (!is_known) return false;
    client_record& client = clients_[request.client];
    const std::size_t envelope = workers_listen_ ? 2 : 1;
    demand(received.size() == envelope + 2 && received[envelope - 1] == routing_id_of(request.client),
           "1: a request came under another's name");
    demand(request.number <= client.begun(), "1: a request came before it was sent");
    if (request.number > client.begun()) return false;
    demand(!client.arrived[request.number], "1: a request came twice");
    client.arrived[request.number] = true;
    std::uint32_t& last = workers_[index - 1].last_request[request.client];
    demand(request.number > last, "3: a request came behind a later one of its client");
    last = request.number;
    note(request.client, request.number, index);
    return true;
  }

  proxied_header answer_to(const proxied_header& request, std::uint32_t index) {
    proxied_header answer = request;
    answer.worker = index;
    answer.body_bytes = drawn_body_bytes();
    workers_[index - 1].given.emplace_back(request.client, request.number);
    return answer;
  }

  std::uint32_t drawn_body_bytes() {
    return static_cast<std::uint32_t>(draw().below(draw().chance(100'000) ? large_body_bytes : 200));
  }

  // --- a client ---

  static std::string routing_id_of(std::uint32_t client) { return "client-" + std::to_string(client); }

  task<> ask(std::uint32_t index) {
    if (std::exchange(clients_[index].has_started, true)) ++breaks_; // it crashed
    zmtp::dealer client(common_options(routing_id_of(index)));
    result<> connected = client.connect(frontend_endpoint);
    demand(connected.has_value(), "5: a client could not even begin to connect");
    if (connected) {
      [[maybe_unused]] auto outcome =
          co_await when_any(send_until_answered(client, index), hear_all(client, index));
    }
    [[maybe_unused]] result<> closed = co_await shield(client.close());
  }

  /// All that it has to ask, and then a farewell again and again until one is answered.
  task<result<>> send_until_answered(zmtp::dealer& client, std::uint32_t index) {
    client_record& mine = clients_[index];
    result<> outcome;
    while (!is_content(mine)) {
      const bool is_farewell = mine.begun() >= requests_each;
      if (is_farewell)
        outcome = co_await sleep_for(milliseconds(500));
      else if (draw().chance(300'000))
        outcome = co_await sleep_for(nanoseconds(draw().below(200'000'000)));
      if (!outcome) co_return outcome;
      if (is_farewell && breaks_ == 0 && mine.farewell_answered)
        continue; // the others must come by themselves
      proxied_header header;
      header.client = index;
      header.number = mine.begin_next();
      header.body_bytes = drawn_body_bytes();
      zmtp::message next;
      header.write_to(next);
      outcome = co_await client.send(next);
      if (!outcome) co_return outcome;
      note(index, header.number);
    }
    mine.has_ended = true;
    co_return outcome;
  }
  bool is_content(const client_record& client) const {
    if (client.begun() < requests_each || !client.farewell_answered) return false;
    return breaks_ > 0 || client.answers == client.begun();
  }

  task<result<>> hear_all(zmtp::dealer& client, std::uint32_t index) {
    zmtp::message received;
    result<> outcome;
    while (outcome) {
      outcome = co_await client.receive(received);
      if (!outcome) co_return outcome;
      take_answer(received, index);
      if (draw().chance(20'000)) outcome = co_await sleep_for(nanoseconds(draw().below(1'000'000'000)));
    }
    co_return outcome;
  }

  void take_answer(const zmtp::message& received, std::uint32_t index) {
    client_record& mine = clients_[index];
    proxied_header answer;
    const bool is_known = received.size() == 2 && answer.read_from(received) && answer.worker != 0;
    demand(is_known, "2: an answer came that nobody gave, or not as it was given");
    if (!is_known) return;
    demand(answer.client == index, "2: an answer came to the wrong client");
    worker_record& by = workers_[answer.worker - 1];
    const bool was_given = std::erase(by.given, std::pair(answer.client, answer.number)) == 1;
    demand(was_given, "2: an answer came twice, or to what has not arrived");
    if (answer.number >= mine.answered.size()) return;
    demand(!mine.answered[answer.number], "2: a request was answered twice");
    mine.answered[answer.number] = true;
    std::uint32_t& last = by.last_answer[index];
    demand(answer.number > last, "3: an answer came behind a later one of the same worker");
    last = answer.number;
    ++mine.answers;
    if (answer.number > requests_each) mine.farewell_answered = true;
  }

  bool workers_listen_;
  std::size_t hwm_ = 0;
  std::uint64_t breaks_ = 0; ///< what may have cost messages: ends of connections, crashes, orderly ends
  bool has_mediated_ = false;
  std::array<client_record, proxy_clients> clients_;
  std::array<worker_record, proxy_workers> workers_;
};

} // namespace

constinit const sim::scenario proxy{
    "proxy", "through a proxy each request is answered once, to whom it is due, in order, in bounded memory",
    sim::begin_run<proxy_run>};

} // namespace weir::scenarios
