// Clients and a server send each other bytes over streams of net/, both ways at once, through small buffers
// and past slow readers, while connections break.
//
// The server listens with a short queue of accepted connections. Each side sends what it has and then its
// end; every byte is told by its place. Rules:
//   1. What is received is what was sent, from its beginning on: no byte is lost, doubled, changed or out of
//   order.
//   2. Who has told its end, and whose peer has heard one, has lost nothing: the end comes behind all bytes.
//   3. What is unread stays below the credit and what was on its way when it was reached; once all is read,
//   nothing counts against the credit any more.
//   4. Once faults have stopped, a new transfer succeeds, and is whole on both sides.
#include "scenarios.hpp"

#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stream.hpp>
#include <weir/sim/hosts_run.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// One direction of a transfer.
struct flow {
  std::uint64_t key = 0; ///< of its bytes
  std::size_t bytes = 0; ///< that it is made of
  std::size_t given = 0; ///< to the stream
  std::size_t heard = 0;
  bool is_told = false; ///< its end, by the sender
  bool is_over = false; ///< its end was heard

  std::byte at(std::size_t place) const noexcept {
    return static_cast<std::byte>((place + key) * 0x9e3779b97f4a7c15 >> 56);
  }
};

/// What a client and the server have to say to each other.
struct dialogue {
  flow request; ///< begins with the number of the dialogue
  flow reply;
};

class streams_run final : public sim::hosts_run {
 public:
  explicit streams_run(sim::world& in)
      : hosts_run(in), server_options_(drawn_options()), accepted_max_(in.random().below(4)) {
    sim::host& server = add_host("server");
    server.start([this](sim::host&) { return serve(); }, small_slots());
    for (int i = 0; i < clients_count; ++i)
      add_host("client " + std::to_string(i + 1)).start([this](sim::host&) { return ask(); }, small_slots());
  }

  void check_end() override {
    for (const dialogue& each : dialogues_)
      for (const flow* way : {&each.request, &each.reply})
        if (way->is_told && way->is_over)
          demand(way->heard == way->bytes, "2: an end was heard, and bytes in front of it were not");
  }

 private:
  static constexpr int clients_count = 2;
  static constexpr std::uint16_t port = 7000;
  static constexpr std::size_t number_bytes = sizeof(std::uint32_t);
  static constexpr int dialogues_each = 6;
  static constexpr auto patience = seconds(15);      ///< of the server with a client
  static constexpr auto long_patience = seconds(40); ///< of a client, who may have to wait for its turn
  static constexpr std::size_t at_once = 4;
  static constexpr std::size_t slots_under_way_max = 16;

  stream_options drawn_options() {
    stream_options options;
    options.credit_bytes = std::size_t{1024} << draw().below(8);
    options.send_bytes = std::size_t{512} << draw().below(8);
    options.send_buffer_bytes = 1024 << draw().below(6);
    options.receive_buffer_bytes = 1024 << draw().below(6);
    return options;
  }

  loop_options small_slots() {
    loop_options options;
    options.buffers.slot_bytes = std::size_t{4096} << draw().below(3);
    options.send_buffers.slot_bytes = std::size_t{4096} << draw().below(3);
    options.io.ring_slots = slots_under_way_max;
    options.io.quantum_bytes = static_cast<std::uint32_t>(slots_under_way_max * options.buffers.slot_bytes);
    return options;
  }

  // --- both sides ---

  task<> pause() {
    if (!draw().chance(200'000)) co_return;
    [[maybe_unused]] result<> slept = co_await sleep_for(nanoseconds(draw().below(20'000'000)));
  }

  task<result<>> tell(stream& to, flow& what) {
    std::array<std::byte, 6000> piece;
    while (what.given < what.bytes) {
      const std::size_t most = std::min(piece.size(), what.bytes - what.given);
      const std::size_t count =
          draw().between(1, draw().chance(500'000) ? most : std::min<std::size_t>(most, 40));
      for (std::size_t i = 0; i < count; ++i) piece[i] = what.at(what.given + i);
      what.given += count;
      const std::span<const std::byte> filled = std::span(piece).first(count);
      result<> written;
      if (draw().chance(200'000)) {
        written = co_await to.write(lease::copy_of(filled));
      } else if (const transfer sent = co_await to.write_all(filled); !sent) {
        written = fail(sent.error());
      }
      if (!written) co_return written;
      co_await pause();
    }
    result<> told = co_await to.shutdown();
    what.is_told = told.has_value();
    co_return told;
  }

  task<result<>> hear(stream& from, flow& what, const stream_options& options) {
    std::array<std::byte, 3000> memory;
    for (;;) {
      std::size_t count = 0;
      if (draw().chance(500'000)) {
        result<lease> piece = co_await from.read();
        if (!piece) co_return fail(std::move(piece).error());
        check(*piece, what);
        count = piece->size();
      } else {
        const std::span<std::byte> room = std::span(memory).first(draw().between(1, memory.size()));
        result<std::size_t> read = co_await from.read_some(room);
        if (!read) co_return fail(std::move(read).error());
        check(room.first(*read), what);
        count = *read;
      }
      if (count == 0) break;
      check_credit(options);
      co_await pause();
    }
    check_nothing_held(from);
    what.is_over = true;
    co_return result<>();
  }

  void check(std::span<const std::byte> piece, flow& what) {
    demand(what.heard + piece.size() <= what.given, "1: more was received than was sent");
    for (const std::byte each : piece) {
      if (each != what.at(what.heard++)) return demand(false, "1: a byte is not the one that was sent");
    }
  }

  void check_credit(const stream_options& options) {
    const std::size_t slot_bytes = loop::current()->buffers().slot_bytes();
    const std::size_t most = *options.credit_bytes + slots_under_way_max * slot_bytes;
    loop::current()->for_each_holder([&](const memory_holder& each) {
      demand(each.held().unread_bytes <= most, "3: more is unread than the credit allows");
    });
  }

  void check_nothing_held(const stream& by) {
    loop::current()->for_each_holder([&](const memory_holder& each) {
      const held_memory held = each.held();
      if (held.descriptor == by.native_handle())
        demand(held.unread_bytes == 0, "3: all is read, and something counts against the credit still");
    });
  }

  task<result<>> converse(stream& with, flow& said, flow& heard, const stream_options& options) {
    auto [told, listened] = co_await when_all(tell(with, said), hear(with, heard, options));
    if (!told) co_return told;
    co_return listened;
  }

  // --- a client ---

  task<> ask() {
    for (int i = 0; i < dialogues_each; ++i) co_await ask_once();
    result<> slept;
    while (slept && !is_calm()) slept = co_await sleep_for(milliseconds(500));
    if (slept) slept = co_await sleep_for(patience + seconds(5)); // what is stuck is given up by then
    if (slept) co_await ask_once();
    ++clients_ended_;
  }

  task<> ask_once() {
    const bool is_in_peace = is_calm();
    dialogue& mine = dialogues_.emplace_back();
    mine.request.key = dialogues_.size();
    mine.request.bytes = number_bytes + draw().below(std::uint64_t{1} << draw().below(17));
    mine.reply.key = dialogues_.size() << 32;
    mine.reply.bytes = draw().below(std::uint64_t{1} << draw().below(17));
    const auto number = static_cast<std::uint32_t>(dialogues_.size() - 1);
    result<> outcome = co_await with_deadline(long_patience, attempt(mine, number));
    note(number, mine.request.heard, mine.reply.heard);
    if (!is_in_peace) co_return;
    demand(outcome.has_value(), "4: nothing goes wrong any more, and a transfer failed");
    demand(mine.reply.heard == mine.reply.bytes, "4: a transfer succeeded, and is not whole");
  }

  task<result<>> attempt(dialogue& mine, std::uint32_t number) {
    const stream_options options = drawn_options();
    result<stream> server = co_await stream::connect(server_address(), options);
    if (!server) co_return fail(std::move(server).error());
    const transfer begun = co_await server->write_all(std::as_bytes(std::span(&number, 1)));
    mine.request.given = mine.request.heard = number_bytes;
    result<> outcome = fail(std::errc::io_error, "begin");
    if (begun) outcome = co_await converse(*server, mine.request, mine.reply, options);
    if (outcome) outcome = co_await server->close();
    co_return outcome;
  }

  static address server_address() { return *address::ip("10.0.0.1", port); }

  // --- the server ---

  task<> serve() {
    listen_options options;
    options.accepted_max = accepted_max_;
    result<listener> door = listener::bind(server_address(), options);
    while (!door) { // descriptors may be short
      result<> slept = co_await sleep_for(milliseconds(100));
      if (!slept) co_return;
      door = listener::bind(server_address(), options);
    }
    auto body = [this, &door](nursery& children) { return accept_all(*door, children); };
    [[maybe_unused]] result<> served =
        co_await with_nursery(nursery_options(at_once, nursery_policy::isolate), body);
  }

  task<> accept_all(listener& door, nursery& children) {
    while (clients_ended_ < clients_count) {
      result<stream> client = co_await with_deadline(milliseconds(200), door.accept(server_options_));
      if (!client && client.error().is_cancelled()) co_return;
      if (!client) continue; // nobody came; or descriptors are short, and it goes on when it is asked again
      [[maybe_unused]] result<> spawned = co_await children.spawn(answer(std::move(*client)));
    }
  }

  task<> answer(stream client) {
    result<> outcome = co_await with_deadline(patience, answer_within(client));
    if (outcome) outcome = co_await client.close();
  }

  task<result<>> answer_within(stream& client) {
    std::uint32_t number = 0;
    const transfer begun = co_await client.read_exactly(std::as_writable_bytes(std::span(&number, 1)));
    if (!begun) co_return fail(begun.error());
    demand(number < dialogues_.size(), "1: a dialogue begins that nobody has begun");
    if (number >= dialogues_.size()) co_return result<>();
    dialogue& each = dialogues_[number];
    co_return co_await converse(client, each.reply, each.request, server_options_);
  }

  stream_options server_options_;
  std::size_t accepted_max_;
  std::deque<dialogue> dialogues_; ///< which stay where they are
  int clients_ended_ = 0;
};

constexpr sim::scenario described_streams() {
  sim::scenario made{"streams", "streams deliver every byte once, in order, and the end behind the last",
                     sim::begin_run<streams_run>};
  made.liveness_ns = 400'000'000'000;
  return made;
}

} // namespace

constinit const sim::scenario streams = described_streams();

} // namespace weir::scenarios
