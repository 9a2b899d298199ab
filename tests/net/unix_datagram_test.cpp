#include "datagram_ends.hpp"

#include <weir/io/system_calls.hpp>
#include <weir/net/unix_datagram.hpp>

#include <fcntl.h>
#include <support/descriptors.hpp>
#include <support/scratch_directory.hpp>
#include <unistd.h>

#include <array>

namespace weir::test {
namespace {

using unix_datagram_test = backend_test;

unix_datagram bound() {
  return unix_datagram::bind(address()).value();
}

/// A pipe with a text in it.
struct filled_pipe {
  explicit filled_pipe(std::string_view text) {
    std::array<int, 2> ends{};
    EXPECT_EQ(calls().pipe2(ends.data(), O_CLOEXEC), 0);
    out = descriptor(ends[0]);
    const descriptor in(ends[1]);
    EXPECT_EQ(calls().write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  descriptor out;
};

std::string read_pipe(const descriptor& from) {
  std::array<char, 100> bytes;
  const ssize_t count = calls().read(from.get(), bytes.data(), bytes.size());
  return count < 0 ? std::strerror(errno) : std::string(bytes.data(), static_cast<std::size_t>(count));
}

TEST_P(unix_datagram_test, receives_what_is_sent_with_the_name_of_its_sender) {
  run([&]() -> task<> {
    unix_datagram ours = bound(), theirs = bound();
    const address our_address = ours.local_address().value();
    for (const char* text : {"first", "", "third"}) {
      result<void> sent = co_await theirs.send_to(bytes_of(text), our_address);
      EXPECT_TRUE(sent);
      result<passed_message> came = co_await ours.receive();
      EXPECT_EQ(text_of(came.value().bytes), text);
      EXPECT_EQ(came->from.to_string(), theirs.local_address().value().to_string());
      EXPECT_TRUE(came->along.descriptors.empty());
      EXPECT_FALSE(came->along.credentials);
    }
    EXPECT_FALSE(ours.try_receive());
  });
}

TEST_P(unix_datagram_test, a_pair_needs_no_names) {
  run([&]() -> task<> {
    auto [one, other] = unix_datagram::pair().value();
    result<void> sent = co_await one.send(bytes_of("hello"));
    EXPECT_TRUE(sent);
    result<passed_message> came = co_await other.receive();
    EXPECT_EQ(text_of(came.value().bytes), "hello");
    EXPECT_EQ(came->from.family(), 0);
  });
}

TEST_P(unix_datagram_test, replaces_a_path_that_nobody_uses_and_removes_its_own) {
  const scratch_directory place;
  const std::string path = place.path("socket");
  const address at = address::unix_path(path).value();
  run([&]() -> task<> {
    const descriptor left_behind(calls().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(calls().bind(left_behind.get(), at.raw(), at.raw_bytes()), 0);
    result<unix_datagram> taken = unix_datagram::bind(at);
    EXPECT_EQ(taken.error(), std::errc::address_in_use);
    EXPECT_EQ(taken.error().endpoint(), path);
    co_return;
  });
  run([&]() -> task<> {
    result<unix_datagram> heir = unix_datagram::bind(at);
    EXPECT_TRUE(heir);
    unix_datagram sender = bound();
    result<void> sent = co_await sender.send_to(bytes_of("by path"), at);
    EXPECT_TRUE(sent);
    result<passed_message> came = co_await heir->receive();
    EXPECT_EQ(text_of(came.value().bytes), "by path");
  });
  EXPECT_FALSE(has_path(path));
}

TEST_P(unix_datagram_test, senders_wait_while_the_receiver_is_full_and_nothing_is_lost) {
  for (const bool is_connected : {true, false}) {
    run([&]() -> task<> {
      unix_datagram_options small;
      small.queue_max = 4;
      unix_datagram ours = unix_datagram::bind(address(), small).value(), theirs = bound();
      const address our_address = ours.local_address().value();
      if (is_connected) {
        EXPECT_TRUE(theirs.connect_to(our_address));
      }
      constexpr int count = 600; // more than a queue holds: net.unix.max_dgram_qlen is 10, or 512 by systemd
      int sent_count = 0;
      auto send_all = [&]() -> task<> {
        for (; sent_count < count; ++sent_count) {
          const std::string text = std::to_string(sent_count);
          result<void> sent = fail(errc::closed);
          if (is_connected) {
            sent = co_await theirs.send(bytes_of(text));
          } else {
            sent = co_await theirs.send_to(bytes_of(text), our_address);
          }
          EXPECT_TRUE(sent) << sent.error().message();
        }
      };
      auto receive_late = [&]() -> task<> {
        for (int before = -1; before != sent_count;) {
          before = sent_count;
          co_await turns(20);
        }
        EXPECT_LT(sent_count, count) << "senders wait";
        const std::uint64_t calls = on().counters().system_calls;
        co_await turns(20);
        EXPECT_LE(on().counters().system_calls - calls, 60u) << "and do not spin";
        for (int number = 0; number < count; ++number) {
          result<passed_message> came = co_await ours.receive();
          EXPECT_EQ(text_of(came.value().bytes), std::to_string(number));
        }
      };
      co_await when_all(send_all(), receive_late());
    });
  }
}

TEST_P(unix_datagram_test, a_send_that_waits_can_be_cancelled) {
  for (const bool is_connected : {true, false}) {
    run([&]() -> task<> {
      unix_datagram_options small;
      small.queue_max = 1;
      unix_datagram ours = unix_datagram::bind(address(), small).value(), theirs = bound();
      const address our_address = ours.local_address().value();
      if (is_connected) {
        EXPECT_TRUE(theirs.connect_to(our_address));
      }
      auto send_without_end = [&]() -> task<result<void>> {
        result<void> sent;
        while (sent) sent = co_await theirs.send_to(bytes_of("x"), our_address);
        co_return sent;
      };
      result<void> sent = co_await with_deadline(20ms, send_without_end());
      EXPECT_TRUE(sent.error().is_timeout()) << sent.error().message();
    });
  }
}

TEST_P(unix_datagram_test, passes_descriptors) {
  run([&]() -> task<> {
    auto [one, other] = unix_datagram::pair().value();
    const filled_pipe first("of the first"), second("of the second");
    const std::array<int, 2> both = {first.out.get(), second.out.get()};
    result<void> sent = co_await one.send(bytes_of("two"), both);
    EXPECT_TRUE(sent);
    sent = co_await one.send(bytes_of("none"));
    result<passed_message> came = co_await other.receive();
    EXPECT_EQ(text_of(came.value().bytes), "two");
    EXPECT_EQ(came->along.descriptors.size(), 2u);
    EXPECT_FALSE(came->along.were_descriptors_lost);
    EXPECT_NE(calls().fcntl(came->along.descriptors[0].get(), F_GETFD, 0) & FD_CLOEXEC, 0);
    EXPECT_EQ(read_pipe(came->along.descriptors[0]), "of the first");
    EXPECT_EQ(read_pipe(came->along.descriptors[1]), "of the second");
    came = co_await other.receive();
    EXPECT_EQ(text_of(came.value().bytes), "none");
    EXPECT_TRUE(came->along.descriptors.empty());
  });
}

TEST_P(unix_datagram_test, keeps_no_more_descriptors_than_it_wants_and_leaks_none) {
  const std::size_t before = open_descriptors();
  for (const std::size_t wanted : {0u, 1u, 2u, 3u}) {
    run([&]() -> task<> {
      unix_datagram_options few;
      few.descriptors_max = wanted;
      auto [one, other] = unix_datagram::pair(few).value();
      const filled_pipe any("x");
      const std::vector<int> many(10, any.out.get());
      result<void> sent = co_await one.send(bytes_of("ten"), many);
      EXPECT_TRUE(sent);
      result<passed_message> came = co_await other.receive();
      EXPECT_EQ(text_of(came.value().bytes), "ten");
      EXPECT_EQ(came->along.descriptors.size(), wanted);
      EXPECT_TRUE(came->along.were_descriptors_lost);
      // The pair and the pipe; those of the round before close within a few turns.
      co_await until([&] { return open_descriptors() == before + 3 + wanted; });
    });
  }
}

TEST_P(unix_datagram_test, closes_descriptors_that_nobody_took) {
  run([&]() -> task<> {
    const filled_pipe any("x");
    const std::vector<int> some(5, any.out.get());
    const std::size_t before = open_descriptors();
    {
      auto [one, other] = unix_datagram::pair().value();
      for (int count = 0; count < 20; ++count) {
        result<void> sent = co_await one.send(bytes_of("x"), some);
        EXPECT_TRUE(sent);
      }
      co_await turns(3);
      EXPECT_GT(open_descriptors(), before + 2 + 5) << "received ahead";
    }
    co_await until([&] { return open_descriptors() == before; });
  });
}

TEST_P(unix_datagram_test, more_descriptors_than_the_kernel_passes_are_an_error) {
  run([&]() -> task<> {
    auto [one, other] = unix_datagram::pair().value();
    const std::vector<int> too_many(descriptors_limit + 1, one.native_handle());
    result<void> sent = co_await one.send(bytes_of("x"), too_many);
    EXPECT_EQ(sent.error(), errc::limit_reached);
    unix_datagram_options all;
    all.descriptors_max = descriptors_limit;
    auto [sender, receiver] = unix_datagram::pair(all).value();
    const std::vector<int> most(descriptors_limit, one.native_handle());
    sent = co_await sender.send(bytes_of("x"), most);
    EXPECT_TRUE(sent);
    result<passed_message> came = co_await receiver.receive();
    EXPECT_EQ(came.value().along.descriptors.size(), descriptors_limit);
  });
}

TEST_P(unix_datagram_test, tells_who_sends_when_asked) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "credentials are not simulated";
  run([&]() -> task<> {
    unix_datagram_options asking;
    asking.tells_credentials = true;
    auto [one, other] = unix_datagram::pair(asking).value();
    const filled_pipe any("x");
    const std::array<int, 1> with = {any.out.get()};
    result<void> sent = co_await one.send(bytes_of("me"), with);
    EXPECT_TRUE(sent);
    result<passed_message> came = co_await other.receive();
    EXPECT_EQ(came.value().along.credentials.value().process, ::getpid());
    EXPECT_EQ(came->along.credentials->user, ::getuid());
    EXPECT_EQ(came->along.credentials->group, ::getgid());
    EXPECT_EQ(came->along.descriptors.size(), 1u);
  });
}

TEST_P(unix_datagram_test, a_receiver_that_is_gone_is_an_error) {
  run([&]() -> task<> {
    unix_datagram ours = bound(), theirs = bound();
    const address gone = ours.local_address().value();
    ours = unix_datagram();
    co_await turns(3);
    result<void> sent = co_await theirs.send_to(bytes_of("anybody?"), gone);
    EXPECT_EQ(sent.error(), std::errc::connection_refused);
    EXPECT_EQ(sent.error().endpoint(), gone.to_string());
  });
}

INSTANTIATE_TEST_SUITE_P(backends, unix_datagram_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
