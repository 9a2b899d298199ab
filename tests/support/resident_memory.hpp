// How much memory this process holds, as the kernel counts it: what a bound on memory is measured by.
#pragma once

#include <cstddef>

namespace weir::test {

std::size_t resident_bytes();
/// The most since the last `forget_resident_peak`.
std::size_t resident_peak_bytes();
void forget_resident_peak();

} // namespace weir::test
