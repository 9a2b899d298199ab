// Code that runs in a forked child: what cannot be undone in this process, such as a seccomp filter.
#pragma once

#include <functional>
#include <string>

namespace weir::test {

/// Runs `body` in a child and gives what it returned; how the child died where it returned nothing.
std::string in_child(const std::function<std::string()>& body);

/// From here on io_uring_setup(2) fails with `error_number` in this process (seccomp(2)). For children.
void forbid_io_uring(int error_number);

} // namespace weir::test
