#include <weir/base/json_text.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace weir::test {
namespace {

TEST(json_text, writes_one_line) {
  json_text text(json_text::layout::line);
  text.add("name", "weir");
  text.add("count", std::uint64_t{18'446'744'073'709'551'615u});
  text.add("yes", true);
  text.open_object("inner");
  text.add("no", false);
  text.close();
  text.open_array("list");
  text.add_element("a");
  text.add_element("b");
  EXPECT_EQ(std::move(text).finish(), R"({"name": "weir", "count": 18446744073709551615, "yes": true, )"
                                      R"("inner": {"no": false}, "list": ["a", "b"]})");
}

TEST(json_text, indents_what_people_read) {
  json_text text(json_text::layout::indented);
  text.open_object("outer");
  text.add("a", 1u);
  text.add("b", 2u);
  text.close();
  text.open_array("none");
  EXPECT_EQ(std::move(text).finish(),
            "{\n  \"outer\": {\n    \"a\": 1,\n    \"b\": 2\n  },\n  \"none\": []\n}");
}

TEST(json_text, what_is_absent_is_null) {
  json_text text(json_text::layout::line);
  text.add_or_null("text", std::optional<std::string>("here"));
  text.add_or_null("number", std::optional<std::uint64_t>(7));
  text.add_or_null("nothing", std::optional<std::string>());
  EXPECT_EQ(std::move(text).finish(), R"({"text": "here", "number": 7, "nothing": null})");
}

TEST(json_text, an_array_of_objects) {
  json_text text(json_text::layout::line);
  text.open_array("list");
  for (const int number : {-1, 2}) {
    text.open_object();
    text.add("number", number);
    text.close();
  }
  EXPECT_EQ(std::move(text).finish(), R"({"list": [{"number": -1}, {"number": 2}]})");
}

TEST(json_text, escapes_what_would_end_a_string) {
  json_text text(json_text::layout::line);
  text.add("quote \" backslash \\", "line\nend\x01");
  EXPECT_EQ(std::move(text).finish(), R"({"quote \" backslash \\": "line\u000aend\u0001"})");
}

} // namespace
} // namespace weir::test
