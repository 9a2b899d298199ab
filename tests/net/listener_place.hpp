// Where the listeners of tests listen.
#pragma once

#include <weir/net/address.hpp>

#include <support/coroutine_fixture.hpp>
#include <support/scratch_directory.hpp>

#include <string>

namespace weir::test {

class listener_place_test : public transport_test {
 protected:
  /// A free TCP port, or a path of this test's own.
  address somewhere() const {
    return over() == transport::tcp ? *address::ip("127.0.0.1", 0) : *address::unix_path(path());
  }
  std::string path() const { return scratch_.path("socket"); }
  /// A file that is no socket is there instead.
  void put_file_at_path() const { scratch_.write("socket", "somebody's"); }

 private:
  scratch_directory scratch_;
};

inline auto over_unix() {
  return testing::Combine(on_each_backend(), testing::Values(transport::local));
}

} // namespace weir::test
