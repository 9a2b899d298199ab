#include <weir/io/cancellation.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weir {
namespace {

/// Writes its name into a log when it is called.
struct witness : cancel_callback {
  witness(std::string& into, char letter) noexcept
      : cancel_callback([](cancel_callback& self) noexcept {
          auto& me = static_cast<witness&>(self);
          me.log += me.name;
        }),
        log(into), name(letter) {}
  std::string& log;
  char name;
};

TEST(cancellation, calls_each_callback_once_in_order) {
  std::string log;
  witness a(log, 'a'), b(log, 'b');
  cancellation scope;
  scope.add(a);
  scope.add(b);
  EXPECT_FALSE(scope.is_requested());
  scope.request();
  EXPECT_TRUE(scope.is_requested());
  scope.request();
  EXPECT_EQ(log, "ab");
  EXPECT_FALSE(a.is_linked());
}

TEST(cancellation, a_callback_that_left_is_not_called) {
  std::string log;
  witness a(log, 'a'), b(log, 'b'), c(log, 'c');
  cancellation scope;
  for (witness* each : {&a, &b, &c}) scope.add(*each);
  b.unlink();
  scope.request();
  EXPECT_EQ(log, "ac");
}

TEST(cancellation, reaches_the_scopes_below_and_not_those_above) {
  std::string log;
  witness at_root(log, 'r'), at_left(log, 'l'), at_right(log, 'R'), at_leaf(log, 'f');
  cancellation root;
  cancellation left(&root), right(&root);
  cancellation leaf(&left);
  root.add(at_root);
  left.add(at_left);
  right.add(at_right);
  leaf.add(at_leaf);

  left.request();
  EXPECT_EQ(log, "fl");
  EXPECT_TRUE(leaf.is_requested());
  EXPECT_FALSE(root.is_requested());
  EXPECT_FALSE(right.is_requested());

  root.request();
  EXPECT_EQ(log, "flRr") << "what was cancelled before is not called again";
}

TEST(cancellation, below_a_cancelled_scope_everything_starts_cancelled) {
  cancellation root;
  root.request();
  const cancellation late(&root);
  EXPECT_TRUE(late.is_requested());
}

TEST(cancellation, a_scope_may_end_before_its_parent) {
  std::string log;
  witness kept(log, 'k');
  cancellation root;
  auto inner = std::make_unique<cancellation>(&root);
  root.add(kept);
  inner.reset();
  root.request();
  EXPECT_EQ(log, "k");
}

TEST(cancellation, a_callback_may_take_others_off_the_scope) {
  struct remover : cancel_callback {
    explicit remover(cancel_callback& other) noexcept
        : cancel_callback(
              [](cancel_callback& self) noexcept { static_cast<remover&>(self).victim.unlink(); }),
          victim(other) {}
    cancel_callback& victim;
  };
  std::string log;
  witness victim(log, 'v'), last(log, 'z');
  remover first(victim);
  cancellation scope;
  scope.add(first);
  scope.add(victim);
  scope.add(last);
  scope.request();
  EXPECT_EQ(log, "z");
}

#ifndef NDEBUG
TEST(cancellation_death, callbacks_leave_before_the_scope_dies) {
  EXPECT_DEATH(
      {
        std::string log;
        witness stays(log, 's');
        const auto scope = std::make_unique<cancellation>();
        scope->add(stays);
      },
      "destroyed with elements on it");
}
#endif

/// Says what it is.
struct telling : cancel_callback {
  explicit telling(const char* what) noexcept
      : cancel_callback([](cancel_callback&) noexcept {},
                        [](const cancel_callback& self, const wait_visitor& visit) {
                          visit(wait_note(static_cast<const telling&>(self).name, 7));
                        }),
        name(what) {}
  const char* name;
};

TEST(cancellation, tells_what_waits_in_it_and_below) {
  std::string log;
  cancellation scope;
  cancellation below(&scope);
  telling receive("receive"), sleep("sleep");
  witness silent(log, 'a');
  scope.add(receive);
  scope.add(silent);
  below.add(sleep);
  std::string told;
  const auto note = [&](const wait_note& each) {
    told += each.what + std::string(each.descriptor == 7 ? " " : "?");
    EXPECT_EQ(each.where.line(), 0u);
  };
  scope.for_each_wait(note);
  EXPECT_EQ(told, "sleep receive "); // `below` came first
  scope.request();
  told.clear();
  scope.for_each_wait(note);
  EXPECT_EQ(told, "");
}

} // namespace
} // namespace weir
