// Turning a loop until something has happened: the only way in which tests wait.
#pragma once

#include <weir/io/loop.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>

namespace weir::test {

/// Far longer than anything takes, sanitizers on a busy machine included; short enough to see what hangs.
inline constexpr std::uint64_t patience_ns = 30'000'000'000;

/// Turns `on` until `happened`, sleeping in between. Fails after `patience_ns` with a list of what is still
/// outstanding.
testing::AssertionResult wait_until(loop& on, const std::function<bool()>& happened);

} // namespace weir::test
