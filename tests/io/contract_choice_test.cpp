// How a loop comes by its backend: what is asked for, what the environment takes away, what the kernel
// forbids.
#include "contract.hpp"

#include <support/child.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace weir::test {
namespace {

/// What a loop becomes in a process where io_uring_setup fails with `error_number`.
std::string made_without_io_uring(int error_number, backend wanted) {
  return in_child([=] {
    forbid_io_uring(error_number);
    loop_options options;
    options.backend = wanted;
    auto made = loop::create(options);
    if (!made) return "error: " + made.error().message();
    nop works; // not only made: it turns
    works.start(**made);
    if (!wait_until(**made, [&] { return works.is_done(); })) return std::string("does not turn");
    return std::string((*made)->backend().name()) + ": " + (*made)->backend_reason();
  });
}

TEST(contract_choice, without_io_uring_it_is_epoll_and_says_why) {
  for (const int error_number : {EPERM, ENOSYS}) {
    const std::string made = made_without_io_uring(error_number, backend::automatic);
    EXPECT_TRUE(made.starts_with("epoll")) << made;
    EXPECT_NE(made.find(std::strerror(error_number)), std::string::npos) << made;
    EXPECT_NE(made.find("io_uring_setup"), std::string::npos) << made;
  }
}

TEST(contract_choice, io_uring_that_was_asked_for_and_is_forbidden_is_an_error_that_says_why) {
  for (const int error_number : {EPERM, ENOSYS}) {
    const std::string made = made_without_io_uring(error_number, backend::io_uring);
    EXPECT_TRUE(made.starts_with("error: ")) << made;
    EXPECT_NE(made.find(std::strerror(error_number)), std::string::npos) << made;
  }
}

TEST(contract_choice, epoll_that_was_asked_for_needs_no_io_uring) {
  const std::string made = made_without_io_uring(EPERM, backend::epoll);
  EXPECT_TRUE(made.starts_with("epoll")) << made;
}

/// The suite, without what is on io_uring, in a process where io_uring_setup fails from the beginning.
/// What was written to an unnamed file.
std::string text_of(const descriptor& file) {
  std::string text(1 << 20, '\0');
  const ssize_t bytes = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return text;
}

TEST(contract_choice, without_io_uring_the_suite_passes_on_epoll_heavy) {
  for (const int error_number : {EPERM, ENOSYS}) {
    const descriptor output(::memfd_create("suite", MFD_CLOEXEC)); // else what it skips counts as ours
    const std::string failure = in_child([&] {
      forbid_io_uring(error_number);
      ::dup2(output.get(), STDOUT_FILENO);
      const std::string program = "/proc/self/exe", filter = "--gtest_filter=*contract_*-*heavy*:*/io_uring*";
      ::execl(program.c_str(), program.c_str(), filter.c_str(), "--gtest_brief=1", nullptr);
      return std::string("exec: ") + std::strerror(errno);
    });
    EXPECT_EQ(failure, "") << std::strerror(error_number) << '\n' << text_of(output);
  }
}

/// What a loop becomes with these in the environment.
std::string made_with(const char* backend_wish, const char* capability_wish) {
  return in_child([=] {
    if (backend_wish) ::setenv("WEIR_BACKEND", backend_wish, 1);
    if (capability_wish) ::setenv("WEIR_CAPABILITIES", capability_wish, 1);
    auto made = loop::create();
    if (!made) return "error: " + made.error().message();
    return std::string((*made)->backend().name()) + " " + (*made)->backend().capabilities().to_string();
  });
}

TEST(contract_choice, the_environment_can_take_away) {
  EXPECT_TRUE(made_with("epoll", nullptr).starts_with("epoll"));
  if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  EXPECT_TRUE(made_with(nullptr, nullptr).starts_with("io_uring"));
  EXPECT_TRUE(made_with("io_uring", nullptr).starts_with("io_uring"));
  EXPECT_EQ(made_with("io_uring", "none"), "io_uring none");
  const std::string one_shot = made_with("io_uring", "one_shot");
  for (const char* taken : {"multishot_accept", "multishot_receive", "bundles"})
    EXPECT_EQ(one_shot.find(taken), std::string::npos) << one_shot;
  EXPECT_EQ(made_with("io_uring", "-bundles").find("bundles"), std::string::npos);
}

TEST(contract_choice, what_the_environment_says_wrong_is_an_error_that_names_it) {
  for (const std::string& made : {made_with("kqueue", nullptr), made_with(nullptr, "-telepathy")}) {
    EXPECT_TRUE(made.starts_with("error: ")) << made;
    EXPECT_TRUE(made.find("kqueue") != std::string::npos || made.find("telepathy") != std::string::npos)
        << made;
  }
}

TEST(contract_choice, the_choice_is_told) {
  const auto made = loop::create();
  ASSERT_TRUE(made);
  EXPECT_TRUE((*made)->backend_reason().starts_with((*made)->backend().name())) << (*made)->backend_reason();
}

TEST(contract_choice, a_mask_reads_back_as_it_was_written) {
  EXPECT_EQ(capability_mask::parse("")->bits(), capability_mask::all().bits());
  EXPECT_EQ(capability_mask::parse("none")->bits(), 0u);
  EXPECT_EQ(capability_mask().to_string(), "none");
  capability_mask expected = capability_mask::all();
  expected.remove(capability::bundles);
  expected.remove(capability::send_zero_copy);
  EXPECT_EQ(*capability_mask::parse("-bundles,-send_zero_copy"), expected);
  EXPECT_EQ(expected.to_string().find("bundles"), std::string::npos);
  EXPECT_NE(expected.to_string().find("multishot_receive"), std::string::npos);
  EXPECT_FALSE(capability_mask::parse("-telepathy"));
}

} // namespace
} // namespace weir::test
