#include <app/top_text.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weir::app {
namespace {

constexpr const char* one_loop = R"({"process": 7, "time_ns": 1000000000, "loops": [{
  "name": "main", "backend": "epoll", "answers": true, "cpu_ns": 0, "stuck": 2,
  "now": {"phase": "completions", "for_ns": 3000000, "operation": "receive", "descriptor": 9,
          "file": "/src/server.cpp", "line": 12},
  "counters": {"turns": 100, "system_calls": 5, "operations_outstanding": 3, "receive_memory_bytes": 4096},
  "lanes": {"urgent": 1, "normal": 2, "background": 3},
  "histograms": {"lag_ns": {"p99": 1500}},
  "connections": 2,
  "largest_connections": [{"descriptor": 4, "name": "a:1", "unread_bytes": 10, "unsent_bytes": 0, "paused": false},
                          {"descriptor": 5, "name": "b:2", "unread_bytes": 0, "unsent_bytes": 2048, "paused": true}],
  "slowest_handlers": [{"operation": "poll", "file": "/x/y.cpp", "line": 3, "count": 2, "total_ns": 3000,
                        "max_ns": 2000}]}]})";

top_snapshot parsed(std::string_view text) {
  auto found = parse_top_snapshot(text);
  EXPECT_TRUE(found);
  return found ? *found : top_snapshot{};
}

TEST(top_snapshot_test, reads_what_the_inspector_tells) {
  const top_snapshot found = parsed(one_loop);
  EXPECT_EQ(found.process, 7);
  ASSERT_EQ(found.loops.size(), 1u);
  EXPECT_EQ(found.loops[0].doing, "receive of 9 at server.cpp:12");
  EXPECT_EQ(found.loops[0].lag_p99_ns, 1500u);
  ASSERT_EQ(found.connections.size(), 2u);
  EXPECT_EQ(found.connections[0].name, "b:2") << "who holds most comes first";
  ASSERT_EQ(found.slowest.size(), 1u);
  EXPECT_EQ(found.slowest[0].where, "y.cpp:3");
}

TEST(top_snapshot_test, what_is_missing_is_nothing_and_what_is_no_snapshot_is_refused) {
  const top_snapshot found = parsed(R"({"process": 1, "time_ns": 2, "loops": [{}]})");
  EXPECT_EQ(found.loops[0].turns, 0u);
  EXPECT_FALSE(found.loops[0].answers);
  for (const char* wrong : {"", "{", "[]", "{}", R"({"process": "x", "time_ns": 2, "loops": []})",
                            R"({"process": 1, "time_ns": 2, "loops": [{"name": 5}]})"})
    EXPECT_FALSE(parse_top_snapshot(wrong)) << wrong;
}

TEST(top_snapshot_test, rates_are_differences_a_second) {
  top_snapshot before = parsed(one_loop), now = before;
  now.time_ns += 2'000'000'000;
  now.loops[0].turns += 10;
  now.loops[0].cpu_ns += 1'000'000'000;
  now.loops[0].completions_of_lane[1] += 4;
  const top_rates rates = rates_of(now.loops[0], before, now.time_ns);
  EXPECT_DOUBLE_EQ(rates.turns, 5);
  EXPECT_DOUBLE_EQ(rates.cpu, 0.5);
  EXPECT_DOUBLE_EQ(rates.completions_of_lane[1], 2);
  before.loops.clear();
  EXPECT_EQ(rates_of(now.loops[0], before, now.time_ns).turns, 0) << "it is new";
}

TEST(top_text_test, is_aligned_and_without_colours_unless_they_are_wanted) {
  const top_snapshot found = parsed(one_loop);
  const std::string text = top_text(found, found, top_layout());
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("process 7, 1 loops, 2 connections, 4 KiB of"), std::string::npos) << text;
  const std::size_t title = text.find("LOOP ");
  const std::size_t title_line = text.rfind('\n', title) + 1;
  const std::size_t loop_line = text.find("\nmain ") + 1;
  for (const char* column : {"BACKEND", "NOW"}) {
    const std::size_t at = text.find(column, title_line) - title_line;
    EXPECT_NE(text[loop_line + at], ' ') << column;
    EXPECT_EQ(text[loop_line + at - 1], ' ') << column;
  }
  EXPECT_NE(text.find("receive of 9 at server.cpp:12 for 3 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("paused"), std::string::npos);
  EXPECT_LT(text.find("b:2"), text.find("a:1"));
  EXPECT_NE(text.find("y.cpp:3"), std::string::npos);
}

TEST(top_text_test, a_loop_that_is_held_up_is_red_on_a_terminal) {
  top_snapshot found = parsed(one_loop);
  top_layout coloured;
  coloured.colour = true;
  EXPECT_EQ(top_text(found, found, coloured).find("\x1b[31m"), std::string::npos);
  found.loops[0].doing_for_ns = 200'000'000;
  EXPECT_NE(top_text(found, found, coloured).find("\x1b[31m"), std::string::npos);
  found.loops[0].doing_for_ns = 0;
  found.loops[0].answers = false;
  EXPECT_NE(top_text(found, found, coloured).find("does not answer"), std::string::npos);
}

TEST(top_text_test, lists_have_an_end) {
  top_snapshot found = parsed(one_loop);
  found.connections.resize(100);
  top_layout short_lists;
  short_lists.rows_max = 3;
  const std::string text = top_text(found, found, short_lists);
  EXPECT_LT(std::ranges::count(text, '\n'), 14);
}

} // namespace
} // namespace weir::app
