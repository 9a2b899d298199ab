#include <weir/sim/host.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/descriptors.hpp>
#include <support/simulation.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace weir::test {
namespace {

namespace fs = std::filesystem;

template <class Function>
void for_each_descriptor(Function&& visit) {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone; // the directory's own descriptor
    const fs::path target = fs::read_symlink(entry.path(), gone);
    if (!gone && target != fs::path("/proc") / std::to_string(::getpid()) / "fd") visit(entry, target);
  }
}

} // namespace

std::size_t open_descriptors() {
  settle_backends();
  std::size_t count = 0;
  for_each_descriptor([&](const fs::directory_entry&, const fs::path&) { ++count; });
  if (simulated_host* const at = simulated_host::current()) count += at->open_descriptors();
  return count;
}

std::string list_of_open_descriptors() {
  std::string text;
  for_each_descriptor([&](const fs::directory_entry& entry, const fs::path& target) {
    text += entry.path().filename().string() + " " + target.string() + "\n";
  });
  return text;
}

descriptor_limit::descriptor_limit(std::size_t more) {
  if (simulated_host* const at = simulated_host::current())
    at->on().descriptors().set_limit(at->on().descriptors().open_count() + more);
  rlimit found{};
  if (::getrlimit(RLIMIT_NOFILE, &found) != 0) throw std::runtime_error("getrlimit");
  before_ = found.rlim_cur;
  most_ = found.rlim_max;
  // The limit is on the number, not the count: what is free below the highest one counts as well.
  std::size_t limit = 0;
  for (std::size_t free = 0;; ++limit) {
    const bool is_open = ::fcntl(static_cast<int>(limit), F_GETFD) >= 0;
    if (!is_open && free++ == more) break;
  }
  const rlimit lowered{limit, most_};
  if (::setrlimit(RLIMIT_NOFILE, &lowered) != 0) throw std::runtime_error("setrlimit");
}

std::string descriptor_limit::why_none() {
  return {};
}

void descriptor_limit::lift() {
  if (simulated_host* const at = simulated_host::current()) at->on().descriptors().set_limit(before_);
  const rlimit as_before{before_, most_};
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &as_before), 0);
}

} // namespace weir::test
