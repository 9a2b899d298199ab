#include <weir/base/intrusive.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace weir {
namespace {

struct item : list_hook<>, list_hook<struct by_age> {
  explicit item(char letter = '?') noexcept : name(letter) {}
  char name;
  item* next = nullptr;
};

using queue = intrusive_queue<item, &item::next>;
using list = intrusive_list<item>;

std::string drained(queue& from) {
  std::string names;
  while (item* at = from.pop_front()) names += at->name;
  return names;
}

std::string drained(list& from) {
  std::string names;
  while (item* at = from.pop_front()) names += at->name;
  return names;
}

struct items {
  item a{'a'}, b{'b'}, c{'c'}, d{'d'};
};

TEST(intrusive_queue, gives_back_in_order_of_arrival) {
  items of;
  queue waiting;
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(waiting.pop_front(), nullptr);
  waiting.push_back(of.a);
  waiting.push_back(of.b);
  waiting.push_front(of.c);
  EXPECT_EQ(waiting.front(), &of.c);
  EXPECT_EQ(drained(waiting), "cab");
  EXPECT_TRUE(waiting.empty());
}

TEST(intrusive_queue, works_again_after_it_was_empty) {
  items of;
  queue waiting;
  for (int round = 0; round < 3; ++round) {
    waiting.push_front(of.a);
    waiting.push_back(of.b);
    EXPECT_EQ(drained(waiting), "ab");
  }
}

TEST(intrusive_queue, splices_behind_what_is_there) {
  items of;
  queue first, second;
  first.push_back(of.a);
  second.push_back(of.b);
  second.push_back(of.c);
  first.splice_back(second);
  EXPECT_TRUE(second.empty());
  first.splice_back(second);
  first.push_back(of.d);
  EXPECT_EQ(drained(first), "abcd");

  second.push_back(of.a);
  first.splice_back(second);
  first.push_back(of.b);
  EXPECT_EQ(drained(first), "ab");
}

TEST(intrusive_queue, removes_from_any_place_and_keeps_its_ends) {
  struct {
    char removed;
    const char* rest;
  } const cases[] = {{'a', "bcd"}, {'b', "acd"}, {'c', "abd"}};
  for (const auto& [removed, rest] : cases) {
    items of;
    queue waiting;
    item* victim = nullptr;
    for (item* each : {&of.a, &of.b, &of.c}) {
      waiting.push_back(*each);
      if (each->name == removed) victim = each;
    }
    EXPECT_TRUE(waiting.remove(*victim));
    EXPECT_FALSE(waiting.remove(*victim));
    waiting.push_back(of.d);
    EXPECT_EQ(drained(waiting), rest);
  }
}

TEST(intrusive_queue, moves_its_content) {
  items of;
  queue source;
  source.push_back(of.a);
  queue target = std::move(source);
  EXPECT_EQ(drained(target), "a");
  source.push_back(of.b); // a queue that was moved from is an empty queue
  target = std::move(source);
  target.push_back(of.c);
  EXPECT_EQ(drained(target), "bc");
}

TEST(intrusive_list, keeps_order_and_walks) {
  items of;
  list all;
  EXPECT_EQ(all.front(), nullptr);
  EXPECT_EQ(all.pop_front(), nullptr);
  all.push_back(of.b);
  all.push_back(of.c);
  all.push_front(of.a);
  std::string seen;
  for (item* at = all.front(); at; at = all.next(*at)) seen += at->name;
  EXPECT_EQ(seen, "abc");
  EXPECT_EQ(drained(all), "abc");
}

TEST(intrusive_list, has_at_most_one_with_one_element_or_none) {
  items of;
  list all;
  EXPECT_TRUE(all.has_at_most_one());
  all.push_back(of.a);
  EXPECT_TRUE(all.has_at_most_one());
  all.push_back(of.b);
  EXPECT_FALSE(all.has_at_most_one());
  EXPECT_EQ(drained(all), "ab");
}

TEST(intrusive_list, an_element_leaves_from_any_place) {
  struct {
    item items::* leaving;
    const char* rest;
  } const cases[] = {{&items::a, "bcd"}, {&items::b, "acd"}, {&items::d, "abc"}};
  for (const auto& [leaving, rest] : cases) {
    items of;
    list all;
    for (item* each : {&of.a, &of.b, &of.c, &of.d}) all.push_back(*each);
    list_hook<>& hook = of.*leaving;
    EXPECT_TRUE(hook.is_linked());
    hook.unlink();
    EXPECT_FALSE(hook.is_linked());
    hook.unlink();
    EXPECT_EQ(drained(all), rest);
  }
}

TEST(intrusive_list, one_element_can_be_on_a_list_for_each_tag) {
  items of;
  list all;
  intrusive_list<item, by_age> aged;
  all.push_back(of.a);
  aged.push_back(of.b);
  aged.push_back(of.a);
  EXPECT_EQ(all.pop_front(), &of.a);
  EXPECT_EQ(aged.pop_front(), &of.b);
  EXPECT_EQ(aged.front(), &of.a);
  EXPECT_EQ(aged.pop_front(), &of.a);
  EXPECT_TRUE(aged.empty());
}

#ifndef NDEBUG
TEST(intrusive_list_death, an_element_must_outlive_its_membership) {
  EXPECT_DEATH(
      {
        list all;
        item dies_first{'x'};
        all.push_back(dies_first);
      },
      "destroyed while it is on a list");
}
#endif

} // namespace
} // namespace weir
