// The failure-mode lab on Boost.Asio: the same heartbeat, echo service and misbehaviour, written as Asio's
// tutorials write them: sessions that share themselves with their handlers.
#include "lab.hpp"

#include <boost/asio.hpp>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;
using bytes = std::vector<char>;

void guilty_handler_spins() {
  lab::spin_for(lab::long_ns);
}
void guilty_handler_blocks() {
  lab::block_for(lab::long_ns);
}
void guilty_handler_throws() {
  throw std::out_of_range("no such order");
}

namespace {

asio::io_context context(1);
std::string_view scenario;

void wait(asio::steady_timer& on, std::chrono::nanoseconds duration, std::function<void()> then) {
  on.expires_after(duration);
  on.async_wait([then = std::move(then)](error_code) { then(); });
}

// ---- The services
// ------------------------------------------------------------------------------------------
struct session : std::enable_shared_from_this<session> {
  explicit session(tcp::socket taken) : socket(std::move(taken)) { socket.set_option(tcp::no_delay(true)); }
  tcp::socket socket;
};

struct echo_session : session {
  using session::session;
  void start() {
    socket.async_read_some(
        asio::buffer(room_), [self = shared_from_this(), this](error_code failed, std::size_t got) {
          if (failed) return;
          if (room_[0] == '?') guilty_handler_throws();
          asio::async_write(socket, asio::buffer(room_, got), [self, this](error_code unsent, std::size_t) {
            if (!unsent) start();
          });
        });
  }

 private:
  std::array<char, 1 << 16> room_;
};

/// A publisher with a queue, as in Asio's chat example.
struct publisher : session {
  using session::session;
  void start() {
    wait(ticks_, 1ms, [self = shared_from_this(), this] {
      const bool is_writing = !unsent_.empty();
      unsent_.emplace_back(lab::update_bytes);
      if (!is_writing) write();
      start();
    });
  }

 private:
  void write() {
    asio::async_write(socket, asio::buffer(unsent_.front()),
                      [self = shared_from_this(), this](error_code failed, std::size_t) {
                        if (failed) return;
                        unsent_.pop_front();
                        if (!unsent_.empty()) write();
                      });
  }
  asio::steady_timer ticks_{context};
  std::deque<bytes> unsent_;
};

struct view {
  std::shared_ptr<bytes> of;
  std::size_t size_bytes;
};
std::vector<view> kept;

std::deque<bytes> work;
asio::steady_timer worker(context);
void work_slowly() {
  wait(worker, 1ms, [] {
    if (!work.empty()) work.pop_front();
    work_slowly();
  });
}

struct receiver : session {
  using session::session;
  void start() {
    auto room = std::make_shared<bytes>(1 << 16);
    socket.async_read_some(
        asio::buffer(*room), [self = shared_from_this(), this, room](error_code failed, std::size_t got) {
          if (failed) return;
          if (scenario == "E5") {
            kept.push_back({room, lab::kept_bytes});
          } else {
            work.emplace_back(room->begin(), room->begin() + static_cast<std::ptrdiff_t>(got));
          }
          start();
        });
  }
};

template <class Session>
void accept_on(tcp::acceptor& door) {
  door.async_accept([&door](error_code failed, tcp::socket client) {
    if (!failed) std::make_shared<Session>(std::move(client))->start();
    accept_on<Session>(door);
  });
}

// ---- Misbehaviour of handlers
// ------------------------------------------------------------------------------
asio::steady_timer guilty(context);

void run_slices(std::uint64_t left) {
  if (left == 0) return;
  lab::spin_for(lab::slice_ns);
  asio::post(context, [left] { run_slices(left - 1); });
}

void take_long(lab::long_handler_plan& plan) {
  wait(guilty, 1ms, [&plan] {
    if (plan.is_due()) {
      if (scenario == "E6") guilty_handler_blocks();
      if (scenario == "E1") guilty_handler_spins();
      if (scenario == "E1y") run_slices(lab::long_ns / lab::slice_ns);
    }
    take_long(plan);
  });
}

void requeue(std::uint64_t until_ns) {
  lab::spin_for(lab::job_ns);
  if (lab::now_ns() < until_ns) asio::defer(context, [until_ns] { requeue(until_ns); });
}

asio::posix::stream_descriptor idle_end(context);
long idle_calls = 0;
void watch_idly() {
  idle_end.async_wait(asio::posix::stream_descriptor::wait_read, [](error_code failed) {
    ++idle_calls;
    if (!failed) watch_idly();
  });
}
void start_watching() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  if (::send(ends[1], "!", 1, 0) != 1) return;
  idle_end.assign(ends[0]);
  watch_idly();
}

// ---- Order
// -------------------------------------------------------------------------------------------------
lab::order_log orders;
asio::steady_timer due_now(context);
void ask_in_rounds() {
  wait(guilty, std::chrono::nanoseconds(lab::round_ns), [] {
    if (orders.begin()) {
      wait(due_now, 0ns, [] { orders.note('t'); });
      asio::defer(context, [] { orders.note('d'); });
      asio::post(context, [] { orders.note('p'); });
    }
    ask_in_rounds();
  });
}

asio::steady_timer heart(context);
[[noreturn]] void end(lab::heartbeat& beats) {
  if (scenario == "E2") lab::finish(beats, ", \"calls\": " + std::to_string(idle_calls));
  if (scenario == "E9") lab::finish(beats, orders.member());
  lab::finish(beats);
}
void beat(lab::heartbeat& beats) {
  const std::uint64_t due = beats.beat();
  if (beats.is_over()) end(beats);
  const auto pause = static_cast<std::int64_t>(due - lab::now_ns());
  wait(heart, std::chrono::nanoseconds(pause), [&beats] { beat(beats); });
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("asio_lab SCENARIO SECONDS\n", stderr), 2;
  scenario = argv[1];
  const tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);
  tcp::acceptor echo_door(context, anywhere);
  tcp::acceptor victim_door(context, anywhere);
  accept_on<echo_session>(echo_door);
  if (scenario == "E3")
    accept_on<publisher>(victim_door);
  else
    accept_on<receiver>(victim_door);
  lab::tell_ports(echo_door.local_endpoint().port(), victim_door.local_endpoint().port());

  lab::heartbeat beats(std::atof(argv[2]));
  lab::long_handler_plan plan(beats);
  const auto calm = std::chrono::nanoseconds(lab::calm_ns);
  if (scenario == "E1" || scenario == "E1y" || scenario == "E6") take_long(plan);
  if (scenario == "E2") wait(guilty, calm, start_watching);
  if (scenario == "E4") wait(guilty, calm, [] { requeue(lab::now_ns() + lab::chain_ns); });
  if (scenario == "E9") ask_in_rounds();
  if (scenario == "E10") work_slowly();
  beat(beats);
  context.run();
  return 1; // the heartbeat ends the process
}
