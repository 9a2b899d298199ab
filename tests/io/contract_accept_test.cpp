// Accepting at the limits of the process.
#include "contract.hpp"

namespace weir::test {
namespace {

using contract_accept = stream_contract;

TEST_P(contract_accept, without_descriptors_is_an_error_and_the_listener_lives_on) {
  if (const std::string reason = descriptor_limit::why_none(); !reason.empty()) GTEST_SKIP() << reason;
  const listening_socket listener = listen_on(over());
  const descriptor first = connect_to(listener), second = connect_to(listener);
  accept_one one(listener.socket.get());
  accept_many many(listener.socket.get());
  turn(); // what a backend opens lazily, it opens before the limit
  {
    const descriptor_limit none(0);
    ASSERT_TRUE(run(one));
    EXPECT_EQ(one.result(), -EMFILE);
    ASSERT_TRUE(run(many));
    EXPECT_EQ(many.results, std::vector{-EMFILE});
  }
  start(one);
  ASSERT_TRUE(finish(one));
  const descriptor accepted(one.result());
  start(many);
  ASSERT_TRUE(wait_for([&] { return many.results.size() == 2; }));
  const descriptor accepted_last(many.results.back());
  EXPECT_TRUE(accepted && accepted_last) << "the connections waited";
}

TEST_P(contract_accept, takes_what_the_limit_allows_and_then_says_so) {
  if (const std::string reason = descriptor_limit::why_none(); !reason.empty()) GTEST_SKIP() << reason;
  const listening_socket listener = listen_on(over());
  std::vector<descriptor> clients;
  for (int count = 0; count < 5; ++count) clients.push_back(connect_to(listener));
  accept_many many(listener.socket.get());
  turn();
  {
    const descriptor_limit three(3);
    ASSERT_TRUE(run(many));
  }
  EXPECT_EQ(many.result(), -EMFILE);
  ASSERT_EQ(many.results.size(), 4u);
  for (int index = 0; index < 3; ++index)
    EXPECT_TRUE(descriptor(many.results[static_cast<std::size_t>(index)]));
}

TEST_P(contract_accept, skips_clients_that_have_gone_away) {
  const listening_socket listener = listen_on(over());
  for (int count = 0; count < 20; ++count) connect_to(listener).reset();
  const descriptor stays = connect_to(listener);
  send_text(stays.get(), "here");
  accept_many many(listener.socket.get());
  std::string heard;
  many.then = [&] {
    if (many.results.back() < 0) return;
    const descriptor accepted(many.results.back());
    heard += read_available(accepted.get());
  };
  start(many);
  ASSERT_TRUE(wait_for([&] { return heard == "here"; }));
  EXPECT_FALSE(many.is_done()) << "a connection that is gone is not the listener's error";
}

INSTANTIATE_TEST_SUITE_P(backends, contract_accept, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
