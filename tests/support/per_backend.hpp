// Fixtures of tests that run once on each backend, or once on each with each kind of socket. `Fixture` has
// `open(backend_case, loop_options)`.
#pragma once

#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/sockets.hpp>

#include <string>
#include <tuple>

namespace weir::test {

template <class Fixture>
class per_backend : public Fixture, public testing::WithParamInterface<backend_case> {
 protected:
  void SetUp() override { this->open(GetParam(), options()); }
  void reopen(const loop_options& options) { this->open(GetParam(), options); }
  loop_options options() const { return GetParam().options(); }
};

template <class Fixture, class Kind>
class per_backend_and_kind : public Fixture,
                             public testing::WithParamInterface<std::tuple<backend_case, Kind>> {
 protected:
  void SetUp() override { this->open(which(), options()); }
  void reopen(const loop_options& options) { this->open(which(), options); }
  backend_case which() const { return std::get<0>(this->GetParam()); }
  loop_options options() const { return which().options(); }
  Kind over() const { return std::get<1>(this->GetParam()); }
};

/// Skips what the system has no sockets of.
template <class Fixture>
class per_transport : public per_backend_and_kind<Fixture, transport> {
 protected:
  void SetUp() override {
    per_backend_and_kind<Fixture, transport>::SetUp();
    if (const std::string reason = why_no_sockets(this->over()); !reason.empty()) GTEST_SKIP() << reason;
  }
};

inline std::string name_of_backend(const testing::TestParamInfo<backend_case>& info) {
  return info.param.name;
}
template <class Kind>
std::string name_of_both(const testing::TestParamInfo<std::tuple<backend_case, Kind>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + name_of(std::get<1>(info.param));
}
inline std::string
name_of_transport(const testing::TestParamInfo<std::tuple<backend_case, transport>>& info) {
  return name_of_both(info);
}

} // namespace weir::test
