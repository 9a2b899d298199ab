#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>
#include <weir/zmtp/proxy.hpp>
#include <weir/zmtp/proxy_memory.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir::zmtp {
namespace {

/// As many messages pass before everything else on the loop has its turn.
constexpr std::uint64_t messages_per_turn = 1024;

/// Silence after which no more is on its way to us; a worker may take longer, which `is_idle` knows.
constexpr std::chrono::milliseconds settled_silence{100};

socket_options within_memory(socket_options wanted) {
  const loop& home = *loop::current();
  const proxy_memory memory(home);
  const std::size_t credit_bytes = wanted.stream.credit_bytes.value_or(home.options().stream_credit_bytes);
  wanted.stream.credit_bytes = std::min(credit_bytes, memory.slot_bytes());
  wanted.connections_max = std::min(wanted.connections_max, memory.clients_max());
  return wanted;
}

} // namespace

proxy::proxy(proxy_options options)
    : frontend_(within_memory(std::move(options.frontend))), backend_(std::move(options.backend)) {}

// --- messages ---

task<result<>> proxy::forward() {
  auto [requests_end, replies_end] =
      co_await when_all(pass_on(frontend_, backend_, requests_), pass_on(backend_, frontend_, replies_));
  if (!requests_end) co_return requests_end;
  co_return replies_end;
}

task<result<>> proxy::pass_on(socket& from, socket& to, proxy_traffic& passed) {
  message carried;
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

void proxy::stop_accepting() noexcept {
  frontend_.stop_accepting();
  backend_.stop_accepting();
}

std::uint64_t proxy::received() const noexcept {
  return frontend_.counters().messages_received + backend_.counters().messages_received;
}

bool proxy::is_idle() const noexcept {
  const bool nothing_held = received() == requests_.messages + replies_.messages;
  return nothing_held && replies_.messages >= requests_.messages;
}

task<result<>> proxy::settled() {
  result<> slept;
  std::uint64_t before = 0;
  do {
    before = received();
    slept = co_await sleep_for(settled_silence);
  } while (slept && (received() != before || !is_idle()));
  co_return slept;
}

std::uint64_t proxy::take_left_behind() {
  message unwanted;
  while (frontend_.try_receive(unwanted) || backend_.try_receive(unwanted)) {
  }
  return received() - requests_.messages - replies_.messages;
}

task<result<>> proxy::close() {
  auto [frontend_end, backend_end] = co_await when_all(frontend_.close(), backend_.close());
  if (!frontend_end) co_return frontend_end;
  co_return backend_end;
}

} // namespace weir::zmtp
