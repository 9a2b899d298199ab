// Fork: the child inherits neither buffers nor what is in flight, and makes loops of its own.
#include "contract.hpp"

#include <support/child.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

using contract_fork = stream_contract;

TEST_P(contract_fork, a_forked_child_changes_nothing_and_sees_no_buffer) {
  const connection pair = connect_pair(over());
  receive_many receiving(pair.ours.get());
  receiving.keeps_leases = true;
  start(receiving);
  send_text(pair.theirs.get(), "before");
  ASSERT_TRUE(wait_for([&] { return receiving.received == "before"; }));
  const lease& held = receiving.leases.front();

  const pid_t child = ::fork();
  if (child == 0) {
    unsigned char resident = 0;
    const auto page = reinterpret_cast<std::uintptr_t>(held.data()) & ~std::uintptr_t{4095};
    const bool is_mapped = ::mincore(reinterpret_cast<void*>(page), 1, &resident) == 0 || errno != ENOMEM;
    ::_exit(is_mapped ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child inherited receive buffers";

  send_text(pair.theirs.get(), ", after");
  send sending(pair.ours.get(), "answer");
  start(sending);
  ASSERT_TRUE(wait_for([&] { return receiving.received == "before, after"; }));
  ASSERT_TRUE(finish(sending));
  EXPECT_EQ(read_text(pair.theirs.get(), 6), "answer");
  receiving.leases.clear();
}

/// While its parent has a loop at work, on which the parent goes on.
TEST_P(contract_fork, a_forked_child_makes_a_loop_of_its_own) {
  const connection parents = connect_pair(over());
  receive_many receiving(parents.ours.get());
  start(receiving);
  turn();
  const std::string heard = in_child([&] {
    auto made = create_loop(options());
    if (!made) return made.error().message();
    const connection pair = connect_pair(over());
    receive_many ours(pair.ours.get());
    ours.start(**made);
    send_text(pair.theirs.get(), "in the child");
    const bool is_done = bool(wait_until(**made, [&] { return ours.received == "in the child"; }));
    ours.cancel();
    return is_done && wait_until(**made, [&] { return ours.is_done(); }) ? ours.received : "nothing";
  });
  EXPECT_EQ(heard, "in the child");
  send_text(parents.theirs.get(), "in the parent");
  ASSERT_TRUE(wait_for([&] { return receiving.received == "in the parent"; }));
}

INSTANTIATE_TEST_SUITE_P(backends, contract_fork, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
