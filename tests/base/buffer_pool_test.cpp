#include <weir/base/buffer_pool.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr std::size_t slot_bytes = 4096;

buffer_pool_options slots(std::size_t count) {
  buffer_pool_options options;
  options.slot_bytes = slot_bytes;
  options.budget_bytes = count * slot_bytes;
  return options;
}

bool is_resident(lease& slot) {
  unsigned char resident = 0;
  EXPECT_EQ(::mincore(slot.writable().data(), 1, &resident), 0);
  return (resident & 1) != 0;
}

TEST(buffer_pool, hands_out_whole_slots_until_the_budget_is_used_up) {
  buffer_pool pool(slots(3));
  EXPECT_EQ(pool.slots_max(), 3u);
  EXPECT_EQ(pool.slot_bytes(), slot_bytes);
  std::vector<lease> held;
  std::set<const std::byte*> places;
  for (std::size_t count = 1; count <= 3; ++count) {
    held.push_back(pool.acquire());
    places.insert(held.back().data());
    EXPECT_EQ(held.back().size(), slot_bytes);
    EXPECT_EQ(held.back().pinned_bytes(), slot_bytes);
    EXPECT_TRUE(held.back().is_sole_owner());
    EXPECT_EQ(pool.slots_in_use(), count);
    EXPECT_EQ(pool.slots_free(), 3 - count);
    EXPECT_EQ(pool.bytes_in_use(), count * slot_bytes);
  }
  EXPECT_EQ(places.size(), 3u);
  EXPECT_EQ(pool.acquire().pinned_bytes(), 0u) << "at the bound there is nothing, and no allocation";
  EXPECT_EQ(pool.slots_in_use(), 3u);

  held.clear();
  EXPECT_EQ(pool.slots_in_use(), 0u);
  EXPECT_EQ(pool.slots_in_use_peak(), 3u);
  EXPECT_EQ(pool.acquire().size(), slot_bytes);
}

TEST(buffer_pool, a_budget_is_rounded_down_to_whole_slots) {
  buffer_pool_options options = slots(2);
  options.budget_bytes += slot_bytes - 1;
  EXPECT_EQ(buffer_pool(options).slots_max(), 2u);
}

TEST(buffer_pool, reuses_the_slot_that_came_back_last) {
  buffer_pool pool(slots(8));
  lease first = pool.acquire();
  lease second = pool.acquire();
  const std::byte* const warm = first.data();
  second.reset();
  first.reset();
  EXPECT_EQ(pool.acquire().data(), warm);
}

TEST(buffer_pool, a_slot_stays_out_while_a_slice_of_it_is_held) {
  buffer_pool pool(slots(1));
  lease slice = pool.acquire().share(100, 1);
  EXPECT_EQ(pool.slots_free(), 0u);
  slice.reset();
  EXPECT_EQ(pool.slots_free(), 1u);
}

TEST(buffer_pool, slots_have_stable_numbers) {
  buffer_pool pool(slots(4));
  const lease one = pool.acquire();
  const lease two = pool.acquire();
  EXPECT_NE(pool.index_of(*one.owner()), pool.index_of(*two.owner()));
  for (const lease* held : {&one, &two}) {
    EXPECT_LT(pool.index_of(*held->owner()), pool.slots_max());
    EXPECT_EQ(&pool.slot(pool.index_of(*held->owner())), held->owner());
  }
}

TEST(buffer_pool, rejects_sizes_that_cannot_work) {
  for (const std::size_t bad_slot_bytes : {std::size_t{0}, std::size_t{1}, slot_bytes + 1}) {
    buffer_pool_options options;
    options.slot_bytes = bad_slot_bytes;
    EXPECT_THROW(buffer_pool{options}, std::invalid_argument) << bad_slot_bytes;
  }
  EXPECT_THROW(buffer_pool{slots(0)}, std::invalid_argument);
}

TEST(buffer_pool, a_slot_costs_memory_only_when_it_is_written) {
  buffer_pool pool(slots(64));
  std::vector<lease> held;
  for (int count = 0; count < 64; ++count) held.push_back(pool.acquire());
  held.front().writable().front() = std::byte{1};
  EXPECT_TRUE(is_resident(held.front()));
  EXPECT_FALSE(is_resident(held.back()));
}

TEST(buffer_pool, its_memory_is_not_inherited_by_fork) {
  buffer_pool pool(slots(4));
  lease slot = pool.acquire();
  slot.writable().front() = std::byte{1};
  const pid_t child = ::fork();
  if (child == 0) {
    unsigned char resident = 0;
    const bool is_mapped = ::mincore(slot.writable().data(), 1, &resident) == 0 || errno != ENOMEM;
    ::_exit(is_mapped ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

#ifndef NDEBUG
TEST(buffer_pool_death, must_outlive_its_leases) {
  EXPECT_DEATH(
      {
        lease outlives;
        {
          buffer_pool dies_first(slots(1));
          outlives = dies_first.acquire();
        }
      },
      "outlives its buffer pool");
}
#endif

// --- shares ---

/// Takes and keeps what the pool lets it have.
std::vector<lease> all_that_is_allowed(buffer_pool& pool, slot_account& account) {
  std::vector<lease> kept;
  while (!pool.is_over_share(account)) {
    lease slot = pool.acquire();
    if (!slot.owner()) break;
    pool.charge(*slot.owner(), account);
    kept.push_back(std::move(slot));
  }
  return kept;
}

TEST(buffer_pool, a_slot_counts_for_one_account_until_the_last_lease_on_it_is_gone) {
  buffer_pool pool(slots(4));
  slot_account account;
  slot_account other;
  lease slot = pool.acquire();
  pool.charge(*slot.owner(), account);
  pool.charge(*slot.owner(), other);
  EXPECT_EQ(account.slots(), 1u);
  EXPECT_EQ(other.slots(), 0u);
  lease part = slot.share(0, 16);
  slot.reset();
  EXPECT_EQ(account.slots(), 1u);
  const std::uint64_t returned_before = pool.slots_returned();
  part.reset();
  EXPECT_EQ(account.slots(), 0u);
  EXPECT_EQ(pool.slots_returned(), returned_before + 1);
  lease again = pool.acquire();
  EXPECT_EQ(account.slots(), 0u) << "the next user is another";

  lease foreign = lease::allocate(10);
  pool.charge(*foreign.owner(), account);
  EXPECT_EQ(account.slots(), 0u);
}

TEST(buffer_pool, an_account_that_is_closed_leaves_its_slots_to_whoever_has_the_leases) {
  buffer_pool pool(slots(4));
  std::vector<lease> kept;
  {
    slot_account account;
    kept = all_that_is_allowed(pool, account);
    ASSERT_FALSE(kept.empty());
    pool.close(account);
    EXPECT_EQ(account.slots(), 0u);
  }
  kept.clear();
  EXPECT_EQ(pool.slots_in_use(), 0u);
}

TEST(buffer_pool, one_alone_may_hold_four_fifths_and_stops_only_when_few_are_left) {
  buffer_pool pool(slots(2048));
  slot_account account;
  const std::vector<lease> kept = all_that_is_allowed(pool, account);
  EXPECT_GT(kept.size(), pool.slots_max() * 3 / 4);
  EXPECT_LT(kept.size(), pool.slots_max() * 4 / 5);
  EXPECT_LT(pool.slots_free(), pool.slots_max() / 4)
      << "who moves bytes out when slots are few did not begin";
  pool.close(account);
}

TEST(buffer_pool, a_hundred_that_keep_everything_leave_enough_for_one_that_holds_a_few) {
  buffer_pool pool(slots(2048));
  std::vector<slot_account> guilty(100);
  std::vector<lease> kept;
  for (bool goes_on = true; std::exchange(goes_on, false);)
    for (slot_account& each : guilty) {
      if (pool.is_over_share(each)) continue;
      kept.push_back(pool.acquire());
      pool.charge(*kept.back().owner(), each);
      goes_on = true;
    }
  EXPECT_GT(pool.slots_free(), 40u);
  slot_account innocent;
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(pool.is_over_share(innocent)) << i;
    kept.push_back(pool.acquire());
    pool.charge(*kept.back().owner(), innocent);
  }
  for (slot_account& each : guilty) pool.close(each);
  pool.close(innocent);
}

TEST(buffer_pool, who_holds_nothing_is_within_its_share_though_nothing_be_left) {
  buffer_pool pool(slots(2));
  const lease one = pool.acquire();
  const lease two = pool.acquire();
  const slot_account account;
  EXPECT_FALSE(pool.is_over_share(account));
  EXPECT_TRUE(pool.may_have_more(account));
}

TEST(buffer_pool, slots_that_are_lent_are_as_good_as_free) {
  buffer_pool pool(slots(4));
  slot_account account;
  lease charged = pool.acquire();
  pool.charge(*charged.owner(), account);
  std::vector<lease> lent;
  for (int i = 0; i < 3; ++i) lent.push_back(pool.acquire());
  EXPECT_TRUE(pool.is_over_share(account));
  pool.lend(3);
  EXPECT_FALSE(pool.is_over_share(account));
  pool.take_back(3);
  EXPECT_TRUE(pool.is_over_share(account));
}

} // namespace
} // namespace weir
