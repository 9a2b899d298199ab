#include <weir/sim/timeline.hpp>

#include <gtest/gtest.h>
#include <sim/timeline_arrows.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim::test {
namespace {

trace_record at(std::uint64_t time_ns, event what, std::uint32_t host, std::uint64_t subject,
                std::uint64_t a = 0, std::uint64_t b = 0) {
  return {time_ns, subject, a, b, host, what};
}

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t i = text.find(what); i != std::string::npos; i = text.find(what, i + 1)) ++count;
  return count;
}

const std::vector<trace_record> exchange{
    at(0, event::phase, 0, 0, 0),          at(1000, event::sent, 1, 7, 2, 100),
    at(1500, event::turn, 2, 0),           at(2000, event::arrived, 2, 7, 1, 40),
    at(2000, event::sent, 2, 7, 1, 10),    at(3000, event::arrived, 2, 7, 1, 60),
    at(3500, event::fault, 2, 7, 3),       at(4000, event::sent, 1, 7, 2, 5),
    at(5000, event::arrived, 1, 7, 2, 10),
};

TEST(timeline_test, arrows_join_where_bytes_left_with_where_they_arrived) {
  const timeline_picture picture = arrange_timeline(exchange, 400);
  ASSERT_EQ(picture.arrows.size(), 4u);
  EXPECT_EQ(picture.arrows[0].from.record.time_ns, 1000u);
  EXPECT_EQ(picture.arrows[0].to.record.time_ns, 2000u);
  EXPECT_EQ(picture.arrows[1].from.record.time_ns, 1000u) << "the rest of the same bytes";
  EXPECT_EQ(picture.arrows[1].to.record.time_ns, 3000u);
  EXPECT_EQ(picture.arrows[2].from.record.host, 2u) << "the other direction has bytes of its own";
  EXPECT_EQ(picture.arrows[2].to.record.time_ns, 5000u);
  EXPECT_FALSE(picture.arrows[3].has_arrived);
  EXPECT_EQ(picture.arrows[3].from.record.time_ns, 4000u);
}

TEST(timeline_test, what_the_loops_do_for_themselves_is_left_out) {
  for (const timeline_mark& each : arrange_timeline(exchange, 400).marks)
    EXPECT_NE(each.record.what, event::turn);
}

TEST(timeline_test, two_marks_of_a_lane_never_share_a_row) {
  const std::vector<trace_record> busy{at(1, event::note, 1, 1), at(1, event::note, 2, 2),
                                       at(1, event::note, 1, 3), at(1, event::note, 1, 4)};
  const timeline_picture picture = arrange_timeline(busy, 400);
  ASSERT_EQ(picture.marks.size(), 4u);
  EXPECT_EQ(picture.marks[0].row, picture.marks[1].row);
  EXPECT_LT(picture.marks[0].row, picture.marks[2].row);
  EXPECT_LT(picture.marks[2].row, picture.marks[3].row);
}

TEST(timeline_test, only_the_last_events_are_drawn) {
  const timeline_picture picture = arrange_timeline(exchange, 3);
  ASSERT_EQ(picture.marks.size(), 3u);
  EXPECT_EQ(picture.marks.front().record.what, event::fault);
  ASSERT_EQ(picture.arrows.size(), 1u) << "what arrived had left before the picture begins";
}

TEST(timeline_test, the_picture_names_hosts_failure_and_faults) {
  run_report report;
  report.hosts = {"alpha", "beta<&>"};
  report.failure = "message 3 came twice";
  const std::string svg = timeline_svg("exchange, seed 9", report, exchange);
  EXPECT_EQ(svg.find("<svg "), 0u);
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
  for (const std::string_view word :
       {"exchange, seed 9", "message 3 came twice", "alpha", "beta&lt;&amp;>", "reset"})
    EXPECT_NE(svg.find(word), std::string::npos) << word;
  EXPECT_EQ(occurrences(svg, "class=\"arrow\""), 3u);
  EXPECT_EQ(occurrences(svg, "class=\"lost\""), 1u);
  EXPECT_EQ(occurrences(svg, "class=\"fault\""), 1u);
}

TEST(timeline_test, a_run_without_events_is_a_picture_too) {
  EXPECT_NE(timeline_svg("nothing", run_report(), {}).find("passed"), std::string::npos);
}

} // namespace
} // namespace weir::sim::test
