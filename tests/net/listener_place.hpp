// Where the listeners of tests listen.
#pragma once

#include <weir/net/address.hpp>

#include <support/coroutine_fixture.hpp>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace weir::test {

class listener_place_test : public transport_test {
 protected:
  void TearDown() override {
    transport_test::TearDown();
    std::filesystem::remove(path_);
  }
  /// A free TCP port, or a path of this test's own.
  address somewhere() const {
    return over() == transport::tcp ? *address::ip("127.0.0.1", 0) : *address::unix_path(path_);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "weir_listener_" + std::to_string(::getpid());
};

inline auto over_unix() {
  return testing::Combine(on_each_backend(), testing::Values(transport::local));
}

} // namespace weir::test
