// Clients send without the kernel's copy, on bare descriptors, out of one buffer each that they fill anew as
// soon as a send has ended; some sends are cancelled. The server's listener is stopped now and then, in the
// midst of connections, and opened anew. Rules:
//   1. What is received is what was sent, in order and once: a send reports what it took, cancelled or not.
//   2. A buffer is the sender's again when its send ends, and not before (the simulated kernel looks).
//   3. A listener that stops hands over every connection that had reached it, and then says that it is
//   closed.
//   4. Once faults have stopped a transfer succeeds, and everything ends.
#include "network_faults.hpp"
#include "scenarios.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>
#include <weir/sim/hosts_run.hpp>

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class zero_copy_run final : public sim::hosts_run {
 public:
  explicit zero_copy_run(sim::world& in) : hosts_run(in) {
    add_host("server").start([this](sim::host&) { return serve(); });
    for (int i = 0; i < clients; ++i)
      add_host("client " + std::to_string(i + 1)).start([this](sim::host&) { return send_all(); });
  }

 private:
  static constexpr int clients = 2;
  static constexpr int transfers_each = 6;
  static constexpr std::size_t buffer_bytes = 48 << 10;
  static constexpr std::uint16_t port = 7000;
  static constexpr auto patience = seconds(30);

  /// Bytes that one connection carries, told by their place and the number that stands at their head.
  struct upload {
    std::uint64_t given = 0; ///< as the sends report
    std::uint64_t heard = 0;
    bool is_sending = false; ///< bytes may arrive that are not reported yet
  };

  static std::byte byte_at(std::uint32_t number, std::uint64_t place) noexcept {
    if (place < sizeof number) return static_cast<std::byte>(number >> (8 * place));
    return static_cast<std::byte>((place + number) * 0x9e3779b97f4a7c15 >> 56);
  }
  static address server_address() { return *address::ip("10.0.0.1", port); }

  /// What may end a connection, or keep it from being served, that is no fault of ours.
  bool are_excuses_there() const {
    using enum sim::fault;
    return !have_connections_held(in()) ||
           !has_none_happened(in(), {no_descriptors, no_descriptors_system, no_memory});
  }

  // --- a client ---

  task<> send_all() {
    std::vector<std::byte> buffer(buffer_bytes);
    result<> slept;
    for (int i = 0; slept && i < transfers_each; ++i) {
      co_await send_one(buffer);
      slept = co_await sleep_for(nanoseconds(draw().below(100'000'000)));
    }
    while (slept && !is_calm()) slept = co_await sleep_for(milliseconds(500));
    if (slept) slept = co_await sleep_for(patience); // what is stuck is given up by then
    if (slept) co_await send_one(buffer);
    ++clients_ended_;
  }

  task<> send_one(std::span<std::byte> buffer) {
    const bool is_in_peace = is_calm();
    const auto number = static_cast<std::uint32_t>(uploads_.size());
    uploads_.emplace_back();
    result<> outcome;
    descriptor socket = co_await connect(outcome);
    if (socket) {
      outcome = co_await with_deadline(patience, upload_to(socket.get(), number, buffer));
      [[maybe_unused]] result<> closed = co_await async_close(std::move(socket));
    }
    if (outcome || outcome.error().is_cancelled()) co_return;
    demand(!is_in_peace, "4: nothing goes wrong any more, and a transfer failed");
    const bool is_broken = !outcome.error().is_timeout();
    demand(!is_broken || are_excuses_there(), "3: a connection was not served that had reached the listener");
  }

  /// Nobody listens while the listener is renewed; descriptors may be short.
  task<descriptor> connect(result<>& outcome) {
    const address to = server_address();
    for (;;) {
      descriptor made(calls().socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      outcome = fail(std::errc::too_many_files_open, "socket");
      if (made) outcome = co_await with_deadline(patience, connect_to(made.get(), to));
      if (outcome) co_return made;
      outcome = co_await sleep_for(milliseconds(20));
      if (!outcome) co_return descriptor();
    }
  }
  static task<result<>> connect_to(int socket, const address& to) {
    co_return co_await async_connect(socket, to.raw(), to.raw_bytes());
  }

  task<result<>> upload_to(int socket, std::uint32_t number, std::span<std::byte> buffer) {
    const std::uint64_t total = sizeof number + draw().below(std::uint64_t{1} << draw().below(18));
    while (uploads_[number].given < total) {
      upload& mine = uploads_[number];
      const std::size_t count = std::min<std::uint64_t>(draw().between(1, buffer.size()), total - mine.given);
      for (std::size_t i = 0; i < count; ++i) buffer[i] = byte_at(number, mine.given + i);
      mine.is_sending = true;
      const bool is_hasty = draw().chance(200'000);
      const nanoseconds limit = is_hasty ? nanoseconds(draw().below(2'000'000)) : nanoseconds(patience);
      result<std::size_t> sent = co_await with_deadline(limit, send(socket, buffer.first(count)));
      uploads_[number].is_sending = false;
      uploads_[number].given += sent.value_or(0);
      const bool has_only_lost_patience = !sent && is_hasty && sent.error().is_timeout();
      if (!sent && !has_only_lost_patience) co_return fail(sent.error());
    }
    result<> told = co_await async_shutdown(socket, SHUT_WR);
    if (!told) co_return told;
    std::array<std::byte, sizeof(std::uint64_t)> answer{};
    result<std::size_t> got = co_await async_receive(socket, answer, true);
    if (!got) co_return fail(got.error());
    if (*got < answer.size()) co_return fail(std::errc::connection_reset, "answer");
    std::uint64_t heard = 0;
    std::memcpy(&heard, answer.data(), sizeof heard);
    demand(heard == uploads_[number].given, "1: the sends do not report what was received");
    note(number, heard);
    co_return result<>();
  }
  static task<result<std::size_t>> send(int socket, std::span<const std::byte> bytes) {
    co_return co_await async_send_zero_copy(socket, bytes);
  }

  // --- the server ---

  task<> serve() {
    auto body = [this](nursery& children) { return listen_again_and_again(children); };
    [[maybe_unused]] result<> served =
        co_await with_nursery(nursery_options(64, nursery_policy::isolate), body);
  }

  task<> listen_again_and_again(nursery& children) {
    bool goes_on = true;
    while (goes_on && clients_ended_ < clients) {
      result<listener> door = listener::bind(server_address());
      if (door)
        goes_on = co_await accept_some(std::make_shared<listener>(std::move(*door)), children);
      else
        goes_on = (co_await sleep_for(milliseconds(100))).has_value();
    }
  }

  /// Until it has stopped and nobody is left. False: cancelled.
  task<bool> accept_some(std::shared_ptr<listener> door, nursery& children) {
    const nanoseconds open_for(draw().below(300'000'000));
    [[maybe_unused]] result<> spawned = co_await children.spawn(stop_later(door, open_for));
    for (;;) {
      result<stream> client = co_await door->accept();
      if (client)
        spawned = co_await children.spawn(hear(std::move(*client)));
      else if (client.error().is_cancelled())
        co_return false;
      else if (client.error() == errc::closed)
        co_return true;
    }
  }

  /// Shares the listener: asked to end, it may be the last to have it.
  static task<> stop_later(std::shared_ptr<listener> door, nanoseconds open_for) {
    [[maybe_unused]] result<> waited = co_await sleep_for(open_for);
    door->stop();
  }

  task<> hear(stream client) {
    result<> outcome = co_await with_deadline(patience, hear_within(client));
    if (outcome) outcome = co_await client.close();
  }

  task<result<>> hear_within(stream& client) {
    std::uint32_t number = 0;
    const transfer begun = co_await client.read_exactly(std::as_writable_bytes(std::span(&number, 1)));
    if (!begun) co_return fail(begun.error());
    demand(number < uploads_.size(), "1: bytes arrived that nobody has sent");
    if (number >= uploads_.size()) co_return result<>();
    uploads_[number].heard = sizeof number;
    for (;;) {
      result<lease> piece = co_await client.read();
      if (!piece) co_return fail(std::move(piece).error());
      if (piece->empty()) break;
      check(number, *piece);
    }
    const std::uint64_t heard = uploads_[number].heard;
    const transfer answered = co_await client.write_all(std::as_bytes(std::span(&heard, 1)));
    if (!answered) co_return fail(answered.error());
    co_return result<>();
  }

  void check(std::uint32_t number, std::span<const std::byte> piece) {
    upload& from = uploads_[number];
    for (const std::byte each : piece)
      if (each != byte_at(number, from.heard++))
        return demand(false, "1: a byte is not the one that was sent");
    demand(from.is_sending || from.heard <= from.given, "1: more was received than the sends report");
  }

  std::vector<upload> uploads_; ///< by number
  int clients_ended_ = 0;
};

} // namespace

constinit const sim::scenario zero_copy{
    "zero_copy",
    "sends without a copy take what they report and give the memory back; a stopped listener loses nobody",
    sim::begin_run<zero_copy_run>};

} // namespace weir::scenarios
