#include "broker.hpp"

#include "proxy_memory.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>

#include <fmt/format.h>
#include <sys/socket.h>

#include <chrono>
#include <new>
#include <utility>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

/// As many messages pass before everything else on the loop has its turn.
constexpr std::uint64_t messages_per_turn = 1024;

/// Silence after which no more is on its way to us; a worker may take longer, which `is_idle` knows.
constexpr auto silence = 100ms;

} // namespace

broker::broker(const proxy_options& options)
    : options_(options), home_(*loop::current()), frontend_(frontend_options()), backend_(socket_options()) {}

zmtp::socket_options broker::socket_options() {
  zmtp::socket_options made;
  made.send_hwm = made.receive_hwm = options_.hwm;
  made.limits.message_bytes_max = options_.message_max;
  made.stream.keep_alive = true; // a peer whose machine died must not be waited for for ever
  made.on_event = [this](const zmtp::socket_event& what) { note(what); };
  return made;
}

zmtp::socket_options broker::frontend_options() {
  zmtp::socket_options made = socket_options();
  made.stream.credit_bytes = proxy_memory::slot_bytes;
  made.connections_max = proxy_memory(options_.bytes).clients_max();
  return made;
}

// --- endpoints ---

result<> broker::open() {
  for (const proxy_endpoint& where : options_.frontend)
    if (result<> opened = attach(frontend_, where, frontend_endpoints_); !opened) return opened;
  for (const proxy_endpoint& where : options_.backend)
    if (result<> opened = attach(backend_, where, backend_endpoints_); !opened) return opened;
  return {};
}

result<> broker::attach(zmtp::socket& socket, const proxy_endpoint& where, std::vector<std::string>& names) {
  result<std::string> name = where.address;
  if (!where.connects)
    name = socket.bind(where.address);
  else if (result<> connected = socket.connect(where.address); !connected)
    name = fail(std::move(connected).error());
  if (!name) return fail(std::move(name).error().at(where.address));
  names.push_back(std::move(*name));
  return {};
}

void broker::note(const zmtp::socket_event& what) noexcept {
  if (!what.reason || refuses_newcomers_) return;
  const bool is_farewell = what.kind == zmtp::socket_event_kind::disconnected &&
                           *what.reason != errc::protocol && *what.reason != errc::limit_reached;
  if (is_farewell) return;
  ++troubles_.count;
  try {
    troubles_.latest = fmt::format("{} {}: {}", what.endpoint, name_of(what.kind), what.reason->message());
  } catch (const std::bad_alloc&) { // the count must do
  }
}

/// A socket has no way to be told; the kernel can refuse for it: a listener that was shut down accepts
/// nobody.
void broker::refuse_newcomers() {
  refuses_newcomers_ = true;
  home_.for_each_outstanding([](const operation& op) {
    if (op.kind() == operation_kind::accept_many) ::shutdown(op.descriptor(), SHUT_RDWR);
  });
}

// --- messages ---

task<result<>> broker::forward() {
  auto [requests_end, replies_end] =
      co_await when_all(pass_on(frontend_, backend_, requests_), pass_on(backend_, frontend_, replies_));
  if (!requests_end) co_return requests_end;
  co_return replies_end;
}

task<result<>> broker::pass_on(zmtp::socket& from, zmtp::socket& to, traffic& passed) {
  zmtp::message carried;
  result<> outcome;
  while (outcome) {
    outcome = co_await from.receive(carried);
    if (!outcome) co_return outcome;
    const std::size_t bytes = carried.bytes();
    outcome = co_await to.send(carried);
    if (!outcome) co_return outcome;
    carried.clear(); // or its buffer would be held until the next message comes
    ++passed.messages;
    passed.bytes += bytes;
    if (passed.messages % messages_per_turn == 0) outcome = co_await yield();
  }
  co_return outcome;
}

// --- the end ---

std::uint64_t broker::received() const noexcept {
  return frontend_.counters().messages_received + backend_.counters().messages_received;
}

bool broker::is_idle() const noexcept {
  const bool nothing_held = received() == requests_.messages + replies_.messages;
  return nothing_held && replies_.messages >= requests_.messages;
}

task<result<>> broker::settled() {
  result<> slept;
  std::uint64_t before = 0;
  do {
    before = received();
    slept = co_await sleep_for(silence);
  } while (slept && (received() != before || !is_idle()));
  co_return slept;
}

std::uint64_t broker::count_left_behind() {
  zmtp::message unwanted;
  while (frontend_.try_receive(unwanted) || backend_.try_receive(unwanted)) {
  }
  return received() - requests_.messages - replies_.messages;
}

task<result<>> broker::close() {
  auto [frontend_end, backend_end] = co_await when_all(frontend_.close(), backend_.close());
  if (!frontend_end) co_return frontend_end;
  co_return backend_end;
}

broker_totals broker::totals() const {
  broker_totals now;
  now.requests = requests_;
  now.replies = replies_;
  now.dropped = frontend_.counters().messages_dropped;
  now.frontend_peers = frontend_.connected();
  now.backend_peers = backend_.connected();
  now.memory_bytes = home_.buffers().bytes_in_use() + home_.send_buffers().bytes_in_use();
  return now;
}

} // namespace weir::app
