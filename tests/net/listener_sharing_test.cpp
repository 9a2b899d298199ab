// Listening sockets that come from elsewhere and are shared with others, and the end of accepting.
#include "listener_place.hpp"
#include "stream_ends.hpp"

#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace weir::test {
namespace {

class listener_sharing_test : public listener_place_test {
 protected:
  descriptor listening(const listen_options& options = listen_options{}) const {
    result<descriptor> opened = listener::open(somewhere(), options);
    EXPECT_TRUE(opened) << opened.error().message();
    return std::move(*opened);
  }
  static descriptor copy_of(const descriptor& socket) {
    return descriptor(calls().fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  }
  static listener adopted(descriptor socket, const listen_options& options = listen_options{}) {
    result<listener> made = listener::adopt(std::move(socket), options);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  static task<bool> is_served_by(listener& from, const raw_socket& theirs) {
    result<stream> ours = co_await from.accept();
    EXPECT_TRUE(ours) << ours.error().message();
    EXPECT_EQ(calls().send(theirs.number(), "x", 1, MSG_NOSIGNAL), 1);
    const std::string text = co_await read_text(*ours, 1);
    co_return text == "x";
  }
};

using unix_listener_sharing_test = listener_sharing_test;

TEST_P(listener_sharing_test, a_socket_that_was_passed_on_is_adopted) {
  run([&]() -> task<> {
    descriptor socket = listening();
    calls().fcntl(socket.get(), F_SETFL, 0); // blocking, as systemd passes it
    listener from = adopted(std::move(socket));
    EXPECT_TRUE(is_non_blocking_and_close_on_exec(from.native_handle()));
    const raw_socket theirs = co_await raw_socket::connect(from.local_address());
    const bool served = co_await is_served_by(from, theirs);
    EXPECT_TRUE(served);
  });
}

TEST_P(unix_listener_sharing_test, the_path_is_whose_who_bound_it) {
  run([&]() -> task<> {
    const descriptor socket = listening();
    {
      listener from = adopted(copy_of(socket));
    }
    EXPECT_TRUE(is_socket(path()));
    co_return;
  });
}

TEST_P(listener_sharing_test, what_does_not_listen_is_refused) {
  run([&]() -> task<> {
    result<listener> refused = listener::adopt(open_socket(over()));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::invalid_argument);
    co_return;
  });
}

TEST_P(listener_sharing_test, one_that_stops_gives_what_has_come_and_then_says_closed) {
  run([&]() -> task<> {
    const descriptor socket = listening();
    listener from = adopted(copy_of(socket));
    const address at = from.local_address();
    raw_socket early = co_await raw_socket::connect(at);
    co_await turns(3); // taken from the kernel
    raw_socket late = co_await raw_socket::connect(at);
    from.stop();
    from.stop();
    const bool first_is_served = co_await is_served_by(from, early);
    const bool second_is_served = co_await is_served_by(from, late);
    EXPECT_TRUE(first_is_served && second_is_served);
    result<stream> none = co_await from.accept();
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error(), errc::closed);
  });
}

TEST_P(listener_sharing_test, one_that_waits_is_told_of_the_stop) {
  run([&]() -> task<> {
    listener from = adopted(listening());
    auto stop_later = [&]() -> task<> {
      co_await turns(3);
      from.stop();
    };
    auto [none, stopped] = co_await when_all(from.accept(), stop_later());
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error(), errc::closed);
  });
}

/// Whoever comes next is for the other one: nobody is lost between the two, however often they change.
TEST_P(listener_sharing_test, another_takes_over_without_losing_a_connection) {
  run([&]() -> task<> {
    const descriptor socket = listening();
    listener from = adopted(copy_of(socket));
    const address at = from.local_address();
    for (int round = 0; round < 20; ++round) {
      listener successor = adopted(copy_of(socket));
      const raw_socket theirs = co_await raw_socket::connect(at);
      from.stop();
      result<stream> taken = co_await from.accept();
      bool served = taken.has_value();
      while (taken) taken = co_await from.accept(); // one that has not ended may be told of the next
      EXPECT_EQ(taken.error(), errc::closed);
      if (!served) served = co_await is_served_by(successor, theirs);
      EXPECT_TRUE(served);
      from = std::move(successor);
    }
  });
}

TEST_P(listener_sharing_test, when_the_last_one_stops_clients_are_refused) {
  run([&]() -> task<> {
    listener from = adopted(listening());
    const address at = from.local_address();
    from.stop();
    result<stream> none = co_await from.accept();
    EXPECT_FALSE(none);
    result<stream> refused = co_await stream::connect(at);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::connection_refused);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, listener_sharing_test, over_each_transport(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, unix_listener_sharing_test, over_unix(), name_of_transport);

} // namespace
} // namespace weir::test
