// Accepting: nothing lost, a bound on what nobody took, and the limits and leftovers of the system.
#include "listener_place.hpp"
#include "stream_ends.hpp"

#include <weir/io/platform/files.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>

#include <support/descriptors.hpp>

#include <memory>
#include <vector>

namespace weir::test {
namespace {

class listener_test : public listener_place_test {
 protected:
  static listener bound(const address& at, const listen_options& options = listen_options{}) {
    result<listener> made = listener::bind(at, options);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  static task<stream> accepted(listener& from) {
    result<stream> made = co_await from.accept();
    EXPECT_TRUE(made) << made.error().message();
    co_return std::move(*made);
  }
};
using unix_listener_test = listener_test;
using tcp_listener_test = listener_test;

TEST_P(listener_test, accepts_streams_that_receive_already) {
  run([&]() -> task<> {
    listener from = bound(somewhere());
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    co_await theirs.send("hello");
    stream ours = co_await accepted(from);
    const std::string text = co_await read_text(ours, 5);
    EXPECT_EQ(text, "hello");
    co_await write_text(ours, "welcome");
    const std::string answer = co_await theirs.read(7);
    EXPECT_EQ(answer, "welcome");
  });
}

TEST_P(listener_test, gives_connections_in_their_order_to_those_who_come_later) {
  run([&]() -> task<> {
    listener from = bound(somewhere());
    std::vector<raw_socket> clients;
    for (char name = 'a'; name < 'k'; ++name) {
      clients.push_back(co_await raw_socket::connect(from.local_address()));
      co_await clients.back().send(std::string(1, name));
    }
    co_await turns(5);
    std::string names;
    for (int i = 0; i < 10; ++i) {
      stream ours = co_await accepted(from);
      names += co_await read_text(ours, 1);
    }
    EXPECT_EQ(names, "abcdefghij");
  });
}

TEST_P(listener_test, cancelled_takes_no_connection) {
  run([&]() -> task<> {
    listener from = bound(somewhere());
    result<stream> late = co_await with_deadline(0ns, from.accept());
    EXPECT_FALSE(late);
    EXPECT_TRUE(late.error().is_timeout());
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    co_await theirs.send("still here");
    stream ours = co_await accepted(from);
    const std::string text = co_await read_text(ours, 10);
    EXPECT_EQ(text, "still here");
  });
}

/// What nobody took waits up to the bound, and what the kernel had accepted already when it was reached.
TEST_P(listener_test, leaves_connections_to_the_backlog_that_nobody_takes) {
  run([&]() -> task<> {
    listen_options options;
    options.accepted_max = 4;
    listener from = bound(somewhere(), options);
    std::vector<raw_socket> clients;
    const std::size_t open_before = open_descriptors();
    for (int i = 0; i < 40; ++i) {
      clients.push_back(co_await raw_socket::connect(from.local_address()));
      co_await turns(2);
    }
    EXPECT_LE(open_descriptors() - open_before - clients.size(), options.accepted_max + 1);
    for (raw_socket& each : clients) co_await each.send("x");
    std::string taken;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      stream ours = co_await accepted(from);
      taken += co_await read_text(ours, 1);
    }
    EXPECT_EQ(taken, std::string(40, 'x'));
  });
}

TEST_P(listener_test, reports_that_descriptors_ran_out_and_goes_on) {
  if (const std::string why = descriptor_limit::why_none(); !why.empty()) GTEST_SKIP() << why;
  run([&]() -> task<> {
    raw_socket first = raw_socket(open_socket(over()));
    raw_socket second = raw_socket(open_socket(over()));
    co_await turns(2); // what a backend opens lazily, it opens before the limit
    listener from = bound(somewhere());
    {
      // io_uring knows the limit of the time at which the accept is submitted: at the end of this turn.
      const descriptor_limit none(0);
      for (raw_socket* each : {&first, &second}) {
        const address& to = from.local_address();
        EXPECT_TRUE(calls().connect(each->number(), to.raw(), to.raw_bytes()) == 0 || errno == EINPROGRESS);
      }
      result<stream> refused = co_await from.accept();
      EXPECT_TRUE(!refused && refused.error() == std::errc::too_many_files_open);
    }
    stream one = co_await accepted(from);
    stream other = co_await accepted(from);
    co_await first.send("1");
    co_await second.send("1");
    const std::string both = co_await read_text(one, 1) + co_await read_text(other, 1);
    EXPECT_EQ(both, "11");
  });
}

TEST_P(listener_test, that_was_closed_has_left_its_address) {
  run([&]() -> task<> {
    address at = somewhere();
    for (int life = 0; life < 5; ++life) {
      listener from = bound(at);
      at = from.local_address();
      co_await from.close();
      EXPECT_FALSE(from);
      result<stream> refused = co_await stream::connect(at);
      EXPECT_FALSE(refused);
    }
  });
}

TEST_P(listener_test, closed_drops_what_nobody_took_and_leaves_no_descriptor) {
  run([&]() -> task<> {
    listener from = bound(somewhere());
    const address at = from.local_address();
    raw_socket theirs = co_await raw_socket::connect(at);
    co_await turns(5);
    from = listener();
    EXPECT_FALSE(from);
    const std::string nothing = co_await theirs.read_to_end();
    EXPECT_EQ(nothing, "");
    co_await turns(3);
    result<stream> refused = co_await stream::connect(at);
    EXPECT_FALSE(refused);
  });
}

TEST_P(listener_test, moves) {
  run([&]() -> task<> {
    listener first = bound(somewhere());
    listener from = std::move(first);
    EXPECT_FALSE(first);
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    stream ours = co_await accepted(from);
    EXPECT_TRUE(ours);
  });
}

TEST_P(listener_test, is_the_only_one_at_its_address) {
  run([&]() -> task<> {
    listener from = bound(somewhere());
    result<listener> second = listener::bind(from.local_address());
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
    EXPECT_EQ(second.error().endpoint(), from.local_address().to_string());
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    stream ours = co_await accepted(from);
    EXPECT_TRUE(ours) << "the first one was not disturbed";
  });
}

TEST_P(tcp_listener_test, tells_the_port_that_the_system_chose) {
  run([&]() -> task<> {
    listener from = bound(*address::ip("127.0.0.1", 0));
    EXPECT_NE(from.local_address().port(), 0);
    EXPECT_EQ(from.local_address().to_string(), address::local_of(from.native_handle())->to_string());
    co_return;
  });
}

TEST_P(tcp_listener_test, shares_its_port_when_asked_to) {
  if (const std::string why = why_no_shared_ports(); !why.empty()) GTEST_SKIP() << why;
  run([&]() -> task<> {
    listen_options options;
    options.reuse_port = true;
    listener first = bound(*address::ip("127.0.0.1", 0), options);
    listener second = bound(first.local_address(), options);
    EXPECT_EQ(first.local_address().port(), second.local_address().port());
    co_return;
  });
}

TEST_P(tcp_listener_test, comes_back_at_once_where_a_connection_still_stands) {
  run([&]() -> task<> {
    listener from = bound(*address::ip("127.0.0.1", 0));
    const address at = from.local_address();
    raw_socket theirs = co_await raw_socket::connect(at);
    stream ours = co_await accepted(from);
    from = listener();
    co_await turns(3);
    listener again = bound(at);
    EXPECT_TRUE(again);
  });
}

TEST_P(unix_listener_test, removes_its_path_when_it_goes) {
  run([&]() -> task<> {
    {
      listener from = bound(*address::unix_path(path()));
      EXPECT_TRUE(is_socket(path()));
    }
    EXPECT_FALSE(has_path(path()));
    co_return;
  });
}

/// Binds as a process does that dies afterwards.
void leave_behind(const std::string& path) {
  const descriptor orphan = open_socket(transport::local);
  const address at = *address::unix_path(path);
  EXPECT_EQ(calls().bind(orphan.get(), at.raw(), at.raw_bytes()), 0);
}

TEST_P(unix_listener_test, replaces_a_path_that_was_left_behind) {
  run([&]() -> task<> {
    leave_behind(path());
    listener from = bound(*address::unix_path(path()));
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    stream ours = co_await accepted(from);
    EXPECT_TRUE(ours);
  });
}

TEST_P(unix_listener_test, leaves_a_stale_path_alone_when_told_to) {
  run([&]() -> task<> {
    leave_behind(path());
    listen_options options;
    options.replace_stale_path = false;
    result<listener> refused = listener::bind(*address::unix_path(path()), options);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    EXPECT_TRUE(is_socket(path()));
    co_return;
  });
}

TEST_P(unix_listener_test, never_removes_what_is_no_socket) {
  run([&]() -> task<> {
    put_file_at_path();
    result<listener> refused = listener::bind(*address::unix_path(path()));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    EXPECT_TRUE(S_ISREG(status_of_path(path()).st_mode)) << "somebody's file is gone";
    co_return;
  });
}

TEST_P(unix_listener_test, listens_under_an_abstract_name) {
  run([&]() -> task<> {
    listener from = bound(*address::unix_abstract("weir listener test " + std::to_string(::getpid())));
    EXPECT_EQ(from.local_address().unix_path(), "");
    raw_socket theirs = co_await raw_socket::connect(from.local_address());
    co_await theirs.send("abstract");
    stream ours = co_await accepted(from);
    const std::string text = co_await read_text(ours, 8);
    EXPECT_EQ(text, "abstract");
  });
}

TEST(listener_outside_of_a_loop, is_refused) {
  result<listener> made = listener::bind(*address::ip("127.0.0.1", 0));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(backends, listener_test, over_each_transport(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, tcp_listener_test, over_tcp(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, unix_listener_test, over_unix(), name_of_transport);

} // namespace
} // namespace weir::test
