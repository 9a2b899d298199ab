// What differs between two listings of a directory.
#include "os/platform/posix_listing.hpp"

#include <weir/io/descriptor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/scratch_directory.hpp>
#include <unistd.h>

#include <filesystem>

namespace weir::test {
namespace {

/// As words: "created a", "moved_from a moved_to b".
std::vector<std::string> told_between(const directory_listing& before, const directory_listing& now) {
  std::vector<std::string> told;
  for (const entry_change& each : changes_between(before, now)) {
    std::string words = each.what == file_change_kind::created      ? "created "
                        : each.what == file_change_kind::removed    ? "removed "
                        : each.what == file_change_kind::moved_from ? "moved_from "
                        : each.what == file_change_kind::moved_to   ? "moved_to "
                                                                    : "? ";
    words += *each.name;
    if (each.was_renamed_to) words += " moved_to " + *each.was_renamed_to;
    told.push_back(words);
  }
  return told;
}

using told_changes = std::vector<std::string>;

TEST(changes_between_listings, are_none_of_equals) {
  EXPECT_EQ(told_between({}, {}), told_changes());
  EXPECT_EQ(told_between({{"a", 1}, {"b", 1}}, {{"a", 1}, {"b", 1}}), told_changes());
}

TEST(changes_between_listings, are_what_went_and_then_what_came_by_name) {
  EXPECT_EQ(told_between({{"c", 3}, {"b", 2}, {"d", 4}}, {{"c", 3}, {"z", 8}, {"a", 9}}),
            told_changes({"removed b", "removed d", "created a", "created z"}));
}

TEST(changes_between_listings, are_renames_where_the_file_is_the_same) {
  EXPECT_EQ(told_between({{"a", 1}, {"b", 2}}, {{"a", 1}, {"c", 2}}),
            told_changes({"moved_from b moved_to c"}));
  EXPECT_EQ(told_between({{"a", 1}, {"b", 2}}, {{"a", 2}, {"b", 1}}),
            told_changes({"moved_from a moved_to b", "moved_from b moved_to a"}));
}

TEST(changes_between_listings, of_a_file_that_took_the_place_of_another_are_one_rename) {
  EXPECT_EQ(told_between({{"a", 1}, {"a.new", 2}}, {{"a", 2}}),
            told_changes({"moved_from a.new moved_to a"}));
}

TEST(changes_between_listings, of_a_name_that_is_another_file_are_that_it_came) {
  EXPECT_EQ(told_between({{"a", 1}}, {{"a", 2}}), told_changes({"moved_to a"}));
}

TEST(changes_between_listings, of_several_names_of_one_file_are_one_each) {
  EXPECT_EQ(told_between({{"a", 1}}, {{"a", 1}, {"b", 1}, {"c", 1}}),
            told_changes({"created b", "created c"}));
  EXPECT_EQ(told_between({{"a", 1}, {"b", 1}}, {{"c", 1}}),
            told_changes({"moved_from a moved_to c", "removed b"}));
}

TEST(directory_stream, lists_what_is_there_each_time) {
  const scratch_directory place;
  const descriptor directory(::open(place.path().c_str(), O_RDONLY | O_CLOEXEC));
  directory_stream stream;
  ASSERT_TRUE(stream.open(directory.get()));
  EXPECT_TRUE(stream.list()->empty());
  std::filesystem::create_directory(place.path() + "/below");
  EXPECT_TRUE(stream.list()->contains("below"));
  std::filesystem::remove(place.path() + "/below");
  EXPECT_TRUE(stream.list()->empty());
}

} // namespace
} // namespace weir::test
