#include <weir/sim/trace.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace weir::sim {
namespace {

std::uint64_t hash_after(std::uint64_t time_ns, event what, std::uint32_t host, std::uint64_t subject,
                         std::uint64_t a, std::uint64_t b) {
  trace log;
  log.at(time_ns);
  log.note(what, host, subject, a, b);
  return log.hash();
}

TEST(trace_test, every_number_of_an_event_changes_the_hash) {
  const std::set<std::uint64_t> hashes{trace().hash(),
                                       hash_after(1, event::sent, 1, 1, 1, 1),
                                       hash_after(2, event::sent, 1, 1, 1, 1),
                                       hash_after(1, event::arrived, 1, 1, 1, 1),
                                       hash_after(1, event::sent, 2, 1, 1, 1),
                                       hash_after(1, event::sent, 1, 2, 1, 1),
                                       hash_after(1, event::sent, 1, 1, 2, 1),
                                       hash_after(1, event::sent, 1, 1, 1, std::uint64_t{1} << 63)};
  EXPECT_EQ(hashes.size(), 8u);
  EXPECT_EQ(hash_after(1, event::sent, 1, 1, 1, 1), hash_after(1, event::sent, 1, 1, 1, 1));
}

TEST(trace_test, hashes_the_same_everywhere) {
  EXPECT_EQ(hash_after(123'456'789, event::datagram_sent, 3, 17, 2, 1400), 10762614996069714982u);
}

TEST(trace_test, the_order_of_events_matters) {
  trace one, other;
  one.note(event::sent, 1);
  one.note(event::arrived, 2);
  other.note(event::arrived, 2);
  other.note(event::sent, 1);
  EXPECT_NE(one.hash(), other.hash());
}

TEST(trace_test, keeps_the_last_events_in_order) {
  trace log;
  EXPECT_TRUE(log.last().empty());
  for (std::uint64_t i = 0; i < 1000; ++i) {
    log.at(i);
    log.note(event::note, 0, i);
  }
  EXPECT_EQ(log.events(), 1000u);
  EXPECT_EQ(log.last(5000).size(), trace::kept_max);
  const std::vector<trace_record> last = log.last();
  ASSERT_EQ(last.size(), 200u);
  for (std::uint64_t i = 0; i < last.size(); ++i) {
    EXPECT_EQ(last[i].subject, 800 + i);
    EXPECT_EQ(last[i].time_ns, 800 + i);
  }
}

TEST(trace_test, keeps_all_where_it_is_told_to) {
  trace log;
  std::vector<trace_record> all;
  log.note(event::note, 0, 1);
  log.keep_in(&all, 2);
  for (std::uint64_t i = 2; i < 10; ++i) log.note(event::note, 0, i);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].subject, 2u);
  EXPECT_EQ(all[1].subject, 3u);
  log.keep_in(nullptr);
  log.note(event::note, 0, 11);
  EXPECT_EQ(all.size(), 2u);
}

TEST(trace_test, every_event_has_a_name_and_words) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < event_count; ++i) {
    trace_record record;
    record.what = static_cast<event>(i);
    names.insert(name_of(record.what));
    EXPECT_NE(describe(record).find(name_of(record.what)), std::string::npos);
  }
  EXPECT_EQ(names.size(), event_count);
  EXPECT_EQ(names.count(""), 0u);
}

TEST(trace_test, an_event_reads_as_a_line) {
  EXPECT_EQ(describe({1'234'567, 17, 1, 512, 2, event::arrived}),
            "     1.234567 ms  host 2  arrived          #17  from host 1, 512 bytes");
  EXPECT_EQ(describe({0, 0, static_cast<std::uint64_t>(fault::reset), 0, 0, event::fault}),
            "     0.000000 ms  world   fault            #0  reset");
}

} // namespace
} // namespace weir::sim
