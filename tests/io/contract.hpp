// The contract suite: what docs/operations.md and docs/loop.md promise, tested unchanged on every backend.
#pragma once

#include <gtest/gtest.h>
#include <support/descriptors.hpp>
#include <support/loop_fixture.hpp>
#include <support/simulation.hpp>
#include <support/sockets.hpp>

#include <cerrno>
#include <tuple>
#include <vector>

namespace weir::test {

/// Once on each backend.
class contract : public loop_fixture, public testing::WithParamInterface<backend_case> {
 protected:
  void SetUp() override { open(GetParam(), GetParam().options()); }
  void reopen(const loop_options& options) { open(GetParam(), options); }
  loop_options options() const { return GetParam().options(); }
};

/// Once on each backend with each kind of stream socket.
class stream_contract : public loop_fixture,
                        public testing::WithParamInterface<std::tuple<backend_case, transport>> {
 protected:
  void SetUp() override {
    open(which(), which().options());
    if (const std::string reason = why_no_sockets(over()); !reason.empty()) GTEST_SKIP() << reason;
  }
  void reopen(const loop_options& options) { open(which(), options); }
  backend_case which() const { return std::get<0>(GetParam()); }
  loop_options options() const { return which().options(); }
  transport over() const { return std::get<1>(GetParam()); }
};

inline std::string backend_name(const testing::TestParamInfo<backend_case>& info) {
  return info.param.name;
}
inline std::string stream_name(const testing::TestParamInfo<std::tuple<backend_case, transport>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + name_of(std::get<1>(info.param));
}
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
