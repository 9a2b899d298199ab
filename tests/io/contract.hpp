// The contract suite: what docs/operations.md and docs/loop.md promise, tested unchanged on every backend.
#pragma once

#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/loop_fixture.hpp>
#include <support/per_backend.hpp>
#include <support/simulation.hpp>
#include <support/sockets.hpp>

#include <cerrno>
#include <vector>

namespace weir::test {

/// Once on each backend.
class contract : public per_backend<loop_fixture> {};

/// Once on each backend with each kind of stream socket.
class stream_contract : public per_transport<loop_fixture> {};

inline auto each_backend() {
  return testing::ValuesIn(contract_backends().begin(), contract_backends().end());
}
/// Those that read for themselves: io_uring has no quantum.
inline auto each_reactor() {
  std::vector<backend_case> reactors;
  for (const backend_case& each : contract_backends())
    if (!each.is_io_uring()) reactors.push_back(each);
  return testing::ValuesIn(reactors);
}
inline auto each_stream() {
  return testing::Combine(each_backend(), testing::Values(transport::tcp, transport::local));
}

} // namespace weir::test
