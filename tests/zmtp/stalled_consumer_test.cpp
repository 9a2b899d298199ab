// The promise in which weir differs most from libzmq: a consumer that stops reading for ten seconds costs its
// process no more than the byte budget, stops its senders, and afterwards has every message once and in
// order. Both sides are processes of their own, because memory is counted by the process.
#include <weir/async/sleep.hpp>

#include <gtest/gtest.h>
#include <support/child.hpp>
#include <support/resident_memory.hpp>
#include <support/zmtp_peers.hpp>

#include <atomic>
#include <charconv>
#include <string>
#include <tuple>
#include <vector>

namespace weir::zmtp {
namespace {

using namespace test;

constexpr std::size_t mib = std::size_t{1} << 20;

/// What happens. The senders know no limit but the bytes of their streams.
struct stall {
  socket_type sender = socket_type::router;
  int connections = 1;
  std::uint64_t messages_each = 0;
  std::size_t receive_budget_bytes = 64 * mib; ///< the loop's
  int kernel_buffer_bytes = 0;                 ///< of each socket; 0: as the system likes
};

/// What the processes found.
struct findings {
  std::atomic<std::uint64_t> sent = 0; ///< messages that the senders got rid of
  std::uint64_t sent_halfway = 0;      ///< through the stall
  std::uint64_t sent_when_it_ended = 0;
  std::uint64_t received_halfway_bytes = 0;
  std::uint64_t received_when_it_ended_bytes = 0;
  std::uint64_t resumed_without_a_system_call = 0;
  std::uint64_t out_of_order = 0; ///< lost, doubled, or from somebody else
  std::uint64_t sent_hash = 0;
  std::uint64_t received_hash = 0;
  std::size_t slots_free_while_stalled = 0;
  std::size_t sender_growth_bytes = 0;
  std::size_t receiver_growth_bytes = 0;
};

/// Of what one sender says, in its order (FNV-1a).
struct running_hash {
  std::uint64_t value = 0xcbf29ce484222325;
  void add(std::string_view text) noexcept {
    for (const char octet : text) value = (value ^ static_cast<unsigned char>(octet)) * 0x100000001b3;
  }
};

/// "number-number-…" of a length that changes: some fit inside a frame, some do not.
class numbered_body {
 public:
  std::string_view write(std::uint64_t number) noexcept {
    char* end = std::to_chars(text_, text_ + 24, number).ptr;
    const auto digits = static_cast<std::size_t>(end - text_);
    const std::size_t size = digits + 1 + number % 48;
    for (std::size_t at = digits; at < size; ++at) text_[at] = at % 7 == 0 ? '-' : text_[at % digits];
    return {text_, size};
  }

 private:
  char text_[80];
};

std::string name_of_sender(int index) {
  return "sender " + std::to_string(index);
}

/// What waits in vain ends some day and says so.
task<> within_four_minutes(task<> main) {
  deadline_scope scope(nullptr, 4min);
  co_await std::move(main).under(&scope);
  EXPECT_FALSE(scope.has_expired()) << "waited in vain";
}

/// What a child says of the expectations above.
std::string verdict() {
  return testing::Test::HasFailure() ? "failed, see above" : "";
}

// --- the process that sends ---

task<> send_all(int index, const stall& plan, std::string endpoint, findings& found) {
  socket_options options = quick(name_of_sender(index));
  options.send_hwm = 0;
  options.linger.reset(); // as long as it takes
  options.stream.send_buffer_bytes = plan.kernel_buffer_bytes;
  const auto send_through = [&](socket& sender, bool names_the_receiver) -> task<> {
    connect_to(sender, endpoint);
    message out;
    result<> sent = co_await sender.receive(out); // the word to begin
    running_hash hash;
    numbered_body body;
    for (std::uint64_t number = 0; sent && number < plan.messages_each; ++number) {
      const std::string_view text = body.write(number);
      hash.add(text);
      out.clear();
      if (names_the_receiver) out.add().assign(std::string_view("receiver"));
      out.add().assign(text);
      sent = co_await sender.send(out);
      if (sent) found.sent.fetch_add(1, std::memory_order_relaxed);
    }
    found.sent_hash += hash.value;
    co_await close(sender);
  };
  if (plan.sender == socket_type::router) {
    router sender(std::move(options));
    sender.set_connect_routing_id("receiver");
    co_await send_through(sender, true);
  } else {
    dealer sender(std::move(options));
    co_await send_through(sender, false);
  }
}

std::string sending_process(const backend_case& which, const stall& plan, const std::string& endpoint,
                            findings& found) {
  forget_resident_peak();
  const std::size_t before_bytes = resident_bytes();
  auto on = loop::create(which.options());
  if (!on) return on.error().message();
  std::vector<task<>> senders;
  for (int index = 0; index < plan.connections; ++index)
    senders.push_back(send_all(index, plan, endpoint, found));
  const auto main = [&]() -> task<> { co_await when_all(std::move(senders)); };
  weir::run(**on, within_four_minutes(main()));
  found.sender_growth_bytes = resident_peak_bytes() - before_bytes;
  return verdict();
}

// --- the process that stalls ---

class stalling_receiver {
 public:
  stalling_receiver(const stall& plan, findings& found)
      : plan_(plan), found_(found), receiver_(options_for(plan)),
        expected_(static_cast<std::size_t>(plan.connections)) {}

  task<> run(std::string_view bind_to_endpoint, descriptor tell_endpoint) {
    send_text(tell_endpoint.get(), bind_to(receiver_, bind_to_endpoint));
    tell_endpoint.reset();
    result<> connected = co_await receiver_.wait_connected(expected_.size());
    EXPECT_TRUE(connected);
    // A flood may use up the budget and leave nothing for handshakes: it begins when all are there.
    for (int index = 0; index < plan_.connections; ++index) {
      const std::string name = name_of_sender(index);
      co_await send(receiver_, name, "begin");
    }
    const std::uint64_t all = plan_.messages_each * expected_.size();
    co_await receive(1000);
    co_await stop_reading();
    found_.resumed_without_a_system_call = take_what_is_here();
    co_await receive(all - 1000 - found_.resumed_without_a_system_call);
    for (const from_one& each : expected_) found_.received_hash += each.hash.value;
    co_await turns(10);
    message one_too_many;
    if (receiver_.try_receive(one_too_many)) ++found_.out_of_order;
    co_await close(receiver_);
  }

 private:
  struct from_one {
    std::uint64_t next = 0;
    running_hash hash;
  };

  static socket_options options_for(const stall& plan) {
    socket_options options = quick("receiver");
    options.receive_hwm = 0;
    options.stream.receive_buffer_bytes = plan.kernel_buffer_bytes;
    return options;
  }

  task<> receive(std::uint64_t count) {
    message in;
    result<> got;
    for (; got && count > 0; --count) {
      got = co_await receiver_.receive(in);
      check(in);
    }
  }

  /// The loop turns all the while: it is the consumer that has something else to do.
  task<> stop_reading() {
    loop& on = *loop::current();
    std::uint64_t sent_before = ~std::uint64_t{0};
    while (sent_before != found_.sent) { // on a busy machine the senders may need longer to fill everything
      sent_before = found_.sent;
      co_await pass_five_seconds();
    }
    found_.sent_halfway = found_.sent;
    found_.received_halfway_bytes = on.counters().bytes_received;
    co_await pass_five_seconds();
    found_.sent_when_it_ended = found_.sent;
    found_.received_when_it_ended_bytes = on.counters().bytes_received;
    found_.slots_free_while_stalled = on.buffers().slots_free();
  }

  /// One by one: a machine that stands still for a while shortens one of them only.
  static task<> pass_five_seconds() {
    for (int second = 0; second < 5; ++second) {
      result<> slept = co_await sleep_for(1s);
      EXPECT_TRUE(slept);
    }
  }

  std::uint64_t take_what_is_here() {
    const std::uint64_t calls_before = loop::current()->counters().system_calls;
    const std::uint64_t turns_before = loop::current()->counters().turns;
    std::uint64_t count = 0;
    for (message in; receiver_.try_receive(in); ++count) check(in);
    const bool is_free = loop::current()->counters().system_calls == calls_before &&
                         loop::current()->counters().turns == turns_before;
    return is_free ? count : 0;
  }

  void check(const message& in) {
    const std::string_view from = in[0].text();
    std::size_t index = 0;
    std::from_chars(from.data() + std::string_view("sender ").size(), from.data() + from.size(), index);
    from_one& expected = expected_[index % expected_.size()];
    const bool is_next = in.size() == 2 && in[1] == body_.write(expected.next++);
    if (!is_next) ++found_.out_of_order;
    expected.hash.add(in.size() == 2 ? in[1].text() : std::string_view());
  }

  const stall& plan_;
  findings& found_;
  router receiver_;
  std::vector<from_one> expected_;
  numbered_body body_;
};

std::string receiving_process(const backend_case& which, const stall& plan, std::string_view bind_to_endpoint,
                              descriptor tell_endpoint, findings& found) {
  forget_resident_peak();
  const std::size_t before_bytes = resident_bytes();
  loop_options options = which.options();
  options.buffers.budget_bytes = plan.receive_budget_bytes;
  auto on = loop::create(options);
  if (!on) return on.error().message();
  const auto main = [&]() -> task<> {
    stalling_receiver receiver(plan, found);
    co_await receiver.run(bind_to_endpoint, std::move(tell_endpoint));
  };
  weir::run(**on, within_four_minutes(main()));
  found.receiver_growth_bytes = resident_peak_bytes() - before_bytes;
  return verdict();
}

// --- what is promised ---

class stalled_consumer_heavy
    : public testing::TestWithParam<std::tuple<backend_case, weir::test::transport>> {
 protected:
  backend_case which() const { return std::get<0>(GetParam()); }
  std::string_view anywhere() const {
    return std::get<1>(GetParam()) == weir::test::transport::tcp ? any_tcp : any_ipc;
  }

  void SetUp() override {
    if (const std::string reason = why_no_io_uring(); which().is_io_uring() && !reason.empty())
      GTEST_SKIP() << reason;
  }

  void play(const stall& plan) {
    connection mailbox = connect_pair(weir::test::transport::local);
    child_process receiving(
        [&] { return receiving_process(which(), plan, anywhere(), std::move(mailbox.theirs), *found); });
    mailbox.theirs.reset();
    const std::string endpoint = read_to_end(mailbox.ours.get());
    child_process sending([&] { return sending_process(which(), plan, endpoint, *found); });
    ASSERT_EQ(sending.report(), "");
    ASSERT_EQ(receiving.report(), "");
    RecordProperty("receiver_growth_kib", static_cast<int>(found->receiver_growth_bytes >> 10));
    RecordProperty("sender_growth_kib", static_cast<int>(found->sender_growth_bytes >> 10));
    RecordProperty("messages_without_a_system_call", static_cast<int>(found->resumed_without_a_system_call));
  }

  void expect_that_the_senders_stopped(const stall& plan) {
    EXPECT_GT(found->sent_halfway, 1000u);
    EXPECT_EQ(found->sent_when_it_ended, found->sent_halfway);
    EXPECT_LT(found->sent_halfway, plan.messages_each * static_cast<std::uint64_t>(plan.connections));
    EXPECT_EQ(found->received_when_it_ended_bytes, found->received_halfway_bytes);
  }
  void expect_every_message_once_and_in_order(const stall& plan) {
    EXPECT_EQ(found->sent, plan.messages_each * static_cast<std::uint64_t>(plan.connections));
    EXPECT_EQ(found->out_of_order, 0u);
    EXPECT_EQ(found->received_hash, found->sent_hash);
  }
  /// What anything costs: the code, a loop, its queues.
  static constexpr std::size_t overhead_bytes = 8 * mib;

  shared_with_children<findings> found;
};

TEST_P(stalled_consumer_heavy, stops_one_sender_of_ten_million_messages_and_loses_none) {
  stall plan;
  plan.sender = socket_type::router;
  plan.messages_each = 10'000'000;
  play(plan);
  expect_that_the_senders_stopped(plan);
  expect_every_message_once_and_in_order(plan);
  EXPECT_GT(found->resumed_without_a_system_call, 1000u);
  const loop_options defaults = which().options();
  EXPECT_LT(found->receiver_growth_bytes, defaults.stream_credit_bytes + overhead_bytes);
  EXPECT_LT(found->sender_growth_bytes, defaults.stream_send_bytes + overhead_bytes);
}

TEST_P(stalled_consumer_heavy, of_two_hundred_senders_stays_within_one_budget_and_loses_nothing) {
  stall plan;
  plan.sender = socket_type::dealer;
  plan.connections = 200;
  plan.messages_each = 30'000;
  plan.receive_budget_bytes = 8 * mib;
  plan.kernel_buffer_bytes = 64 << 10;
  play(plan);
  expect_that_the_senders_stopped(plan);
  expect_every_message_once_and_in_order(plan);
  EXPECT_EQ(found->slots_free_while_stalled, 0u) << "the budget was never used up";
  EXPECT_GT(found->resumed_without_a_system_call, 1000u);
  EXPECT_LT(found->receiver_growth_bytes, plan.receive_budget_bytes + overhead_bytes);
  // Half as much again: chunks are not filled to the last byte, and the places of messages grow by doubling.
  EXPECT_LT(found->sender_growth_bytes, 3 * 200 * which().options().stream_send_bytes / 2 + overhead_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    backends, stalled_consumer_heavy,
    testing::Combine(testing::Values(streaming_backends().front(), streaming_backends().back()),
                     testing::Values(weir::test::transport::tcp, weir::test::transport::local)),
    name_of_transport);

} // namespace
} // namespace weir::zmtp
