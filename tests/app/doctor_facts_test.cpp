#include <app/doctor_facts.hpp>
#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/child.hpp>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <regex>
#include <sstream>
#include <string>

namespace weir::app {
namespace {

/// What `tell` says of the facts in a process with this environment.
std::string examined_with(
    const char* backend, const char* capabilities,
    const std::function<std::string(const doctor_facts&)>& tell,
    const std::function<void()>& prepare = [] {}) {
  return test::in_child([&]() -> std::string {
    ::setenv("WEIR_BACKEND", backend, 1);
    ::setenv("WEIR_CAPABILITIES", capabilities, 1);
    prepare();
    const auto facts = examine();
    return facts ? tell(*facts) : "error: " + facts.error().message();
  });
}

std::string missing_of(const doctor_facts& facts) {
  std::string text;
  for (const capability_fact& each : facts.capabilities)
    if (!each.why_missing.empty())
      text += std::string(weir::name_of(each.which)) + ": " + each.why_missing + "\n";
  return text;
}

class without_io_uring : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(seccomp, without_io_uring, testing::Values(EPERM, ENOSYS));

TEST_P(without_io_uring, epoll_is_chosen_and_the_reason_told) {
  const std::string why = error::from_errno(GetParam()).code().message();
  const auto forbid = [] { test::forbid_io_uring(GetParam()); };
  const auto tell = [](const doctor_facts& facts) {
    return facts.backend + "\n" + facts.reason + "\n" + facts.strategy_used + "\n" +
           facts.backends.at(0).why_unavailable;
  };
  EXPECT_EQ(examined_with("", "", tell, forbid),
            "epoll\nepoll: io_uring_setup: " + why + "\nadaptive\nio_uring_setup: " + why);
  EXPECT_EQ(examined_with("io_uring", "", tell, forbid), "error: io_uring_setup: " + why);
}

TEST_P(without_io_uring, the_table_shows_no_more_than_there_is) {
  const std::string text = examined_with(
      "", "", [](const doctor_facts& facts) { return doctor_text(facts, false); },
      [] { test::forbid_io_uring(GetParam()); });
  EXPECT_TRUE(std::regex_search(text, std::regex("\n  receive +- +readiness\n"))) << text;
  EXPECT_NE(text.find("\n  io_uring cannot be used: io_uring_setup: "), std::string::npos) << text;
}

TEST(doctor_facts, the_override_of_the_backend_is_in_force_and_told) {
  const auto tell = [](const doctor_facts& facts) {
    return facts.reason + ", " + facts.backend_override.value_or("none") + ", " + facts.strategy_used;
  };
  EXPECT_EQ(examined_with("epoll", "", tell), "epoll: asked for by WEIR_BACKEND, epoll, adaptive");
}

TEST(doctor_facts, what_is_misspelt_is_told_by_name) {
  const auto tell = [](const doctor_facts&) { return std::string("fine"); };
  EXPECT_EQ(examined_with("kqueue", "", tell), "error: WEIR_BACKEND 'kqueue': invalid argument");
  EXPECT_EQ(examined_with("", "-bundels", tell), "error: WEIR_CAPABILITIES '-bundels': invalid argument");
}

TEST(doctor_facts, a_capability_that_is_missing_says_why) {
  if (const std::string why = test::why_no_io_uring(); !why.empty()) GTEST_SKIP() << why;
  const std::string told = examined_with("io_uring", "-provided_buffers,-poll_first", missing_of);
  EXPECT_NE(told.find("provided_buffers: taken away by WEIR_CAPABILITIES\n"), std::string::npos) << told;
  EXPECT_NE(told.find("poll_first: taken away by WEIR_CAPABILITIES\n"), std::string::npos) << told;
  EXPECT_NE(told.find("multishot_receive: needs provided_buffers\n"), std::string::npos) << told;
  EXPECT_EQ(told.find("multishot_accept"), std::string::npos) << told;
}

TEST(doctor_facts, without_multishot_reads_are_one_shot) {
  if (const std::string why = test::why_no_io_uring(); !why.empty()) GTEST_SKIP() << why;
  const auto tell = [](const doctor_facts& facts) {
    return facts.strategy_wanted + " " + facts.strategy_used;
  };
  EXPECT_EQ(examined_with("io_uring", "one_shot", tell), "automatic one_shot");
}

TEST(doctor_facts, every_capability_is_told) {
  const auto facts = examine();
  ASSERT_TRUE(facts) << facts.error().message();
  capability_mask told;
  for (const capability_fact& each : facts->capabilities) told.add(each.which);
  EXPECT_EQ(told, capability_mask::all());
}

TEST(doctor_facts, the_table_tells_how_epoll_does_each_operation) {
  const auto facts = examine();
  ASSERT_TRUE(facts) << facts.error().message();
  const backend_fact& epoll = facts->backends.at(1);
  EXPECT_EQ(epoll.name, "epoll");
  ASSERT_TRUE(epoll.is_available());
  const auto how = [&](operation_kind kind) {
    return name_of(epoll.executions[static_cast<std::size_t>(kind)]);
  };
  EXPECT_EQ(how(operation_kind::receive_many), "readiness");
  EXPECT_EQ(how(operation_kind::close), "inline");
  EXPECT_EQ(how(operation_kind::read_at), "offloaded");
}

TEST(doctor_text, colours_change_nothing_but_the_colour) {
  const auto facts = examine();
  ASSERT_TRUE(facts) << facts.error().message();
  const std::string plain = doctor_text(*facts, false);
  std::string coloured = doctor_text(*facts, true);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  EXPECT_EQ(coloured, plain);
}

TEST(doctor_text, is_aligned_and_fits_a_screen) {
  const auto facts = examine();
  ASSERT_TRUE(facts) << facts.error().message();
  std::istringstream lines(doctor_text(*facts, false));
  std::size_t operations = 0;
  std::size_t column = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
    for (const char* how : {"readiness", "inline", "offloaded"}) {
      if (!line.ends_with(how)) continue;
      ++operations;
      if (operations == 1) column = line.rfind(how);
      EXPECT_EQ(line.rfind(how), column) << line;
    }
  }
  EXPECT_EQ(operations, operation_kind_count);
}

TEST(machine, kernel_releases_are_compared_by_number) {
  EXPECT_EQ(parse_kernel_release("6.1.0-18-amd64"), (kernel_version{6, 1}));
  EXPECT_EQ(parse_kernel_release("6.18.44"), (kernel_version{6, 18}));
  EXPECT_LT(parse_kernel_release("6.9.1"), parse_kernel_release("6.10.0"));
  EXPECT_EQ(parse_kernel_release("what?"), kernel_version{});
}

} // namespace
} // namespace weir::app
