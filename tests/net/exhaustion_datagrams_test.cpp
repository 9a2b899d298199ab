// What datagrams and passed descriptors need fails once at each place where it is needed. A datagram that is
// lost for want of memory is one that was lost: the sender sends again.
#include "datagram_ends.hpp"

#include <weir/async/with_nursery.hpp>
#include <weir/net/descriptor_stream.hpp>
#include <weir/net/unix_datagram.hpp>

#include <fcntl.h>
#include <support/exhaustion.hpp>
#include <unistd.h>

#include <array>

namespace weir::test {
namespace {

using datagram_exhaustion = exhaustion_test;

/// Answers until the asking side ends.
task<result<>> echo_datagrams(udp_socket& at) {
  std::array<datagram, 4> come;
  for (;;) {
    result<std::size_t> count = co_await at.receive_some(come);
    if (!count) co_return fail(count.error());
    for (std::size_t i = 0; i < *count; ++i) {
      result<> sent = co_await at.send_to(come[i].bytes, come[i].from);
      if (!sent) co_return sent;
      come[i] = datagram();
    }
  }
}

/// Once more when no answer comes.
task<result<>> ask_by_datagram(udp_socket& from, std::string_view question) {
  constexpr int attempts_max = 50;
  result<> outcome = fail(std::errc::timed_out, "ask");
  for (int i = 0; i < attempts_max && !outcome && outcome.error().is_timeout(); ++i) {
    outcome = co_await from.send(bytes_of(question));
    if (!outcome) continue;
    result<datagram> answer = co_await with_deadline(20ms, from.receive());
    if (!answer) outcome = fail(answer.error());
    if (answer) {
      EXPECT_EQ(text_of(answer->bytes), question);
    }
  }
  co_return outcome;
}

task<result<>> talk_by_datagrams() {
  result<udp_socket> server = udp_socket::bind(loopback_port());
  if (!server) co_return fail(server.error());
  result<address> at = server->local_address();
  if (!at) co_return fail(at.error());
  result<udp_socket> client = udp_socket::connect(*at);
  if (!client) co_return fail(client.error());
  auto both = [&](nursery& children) -> task<result<>> {
    result<> step = co_await children.spawn(echo_datagrams(*server));
    if (step) step = co_await ask_by_datagram(*client, "short");
    const std::string segments = pattern(3000);
    const std::array several{outgoing_datagram(bytes_of("one")), outgoing_datagram(bytes_of("two"))};
    if (step) {
      const sent_datagrams sent = co_await client->send_many(several);
      if (!sent) step = fail(sent.error());
    }
    if (step) {
      const transfer cut = co_await client->send_segments(bytes_of(segments), 1000);
      if (!cut) step = fail(cut.error());
    }
    children.cancel();
    co_return step;
  };
  co_return co_await with_nursery(nursery_options(1), both);
}

TEST_P(datagram_exhaustion, of_udp_is_an_error_or_a_lost_datagram) {
  fail_each_step_of([] { return within_patience(talk_by_datagrams()); });
}

/// The number of a descriptor of /dev/null that goes with this.
class something_to_pass {
 public:
  something_to_pass() {
    const spared of_faults;
    opened_ = descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  int number() const noexcept { return opened_.get(); }

 private:
  descriptor opened_;
};

/// A message whose descriptors were lost says so.
result<> check_passed(const passed_along& along) {
  if (along.were_descriptors_lost) return fail(std::errc::not_enough_memory, "descriptors");
  EXPECT_EQ(along.descriptors.size(), 1u);
  return {};
}

task<result<>> pass_by_datagram(address at) {
  const something_to_pass passed;
  const int number = passed.number();
  result<unix_datagram> receiver = unix_datagram::bind(at);
  if (!receiver) co_return fail(receiver.error());
  result<unix_datagram> sender = unix_datagram::bind(address());
  if (!sender) co_return fail(sender.error());
  result<address> where = receiver->local_address();
  if (!where) co_return fail(where.error());
  result<> sent = co_await sender->send_to(bytes_of("take this"), *where, std::span(&number, 1));
  if (!sent) co_return sent;
  // One that there was no memory for was dropped.
  result<passed_message> got = co_await with_deadline(100ms, receiver->receive());
  if (!got) co_return fail(got.error());
  EXPECT_EQ(text_of(got->bytes), "take this");
  co_return check_passed(got->along);
}

TEST_P(datagram_exhaustion, of_unix_datagrams_leaks_no_descriptor) {
  const std::string path = "/tmp/weir-exhaustion-" + std::to_string(::getpid()) + ".sock";
  const address at = *address::unix_path(path);
  fail_each_step_of([&] { return within_patience(pass_by_datagram(at)); });
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the path was left";
}

task<result<>> pass_by_stream() {
  const something_to_pass passed;
  const int number = passed.number();
  descriptor_stream_options options;
  options.tells_credentials = true;
  auto ends = descriptor_stream::pair(options);
  if (!ends) co_return fail(ends.error());
  const transfer sent = co_await ends->first.send(bytes_of("take this"), std::span(&number, 1));
  if (!sent) co_return fail(sent.error());
  std::array<std::byte, 32> room;
  result<received_along> got = co_await ends->second.receive(room);
  if (!got) co_return fail(got.error());
  EXPECT_EQ(got->bytes, 9u);
  co_return check_passed(got->along);
}

TEST_P(datagram_exhaustion, of_a_descriptor_stream_leaks_no_descriptor) {
  fail_each_step_of([] { return within_patience(pass_by_stream()); });
}

INSTANTIATE_TEST_SUITE_P(each, datagram_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::test
