// An address at which nobody ever answers a connect: a listener whose backlog is full, so that the kernel
// drops further connection requests (listen(2)).
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>

#include <support/sockets.hpp>

namespace weir::test {

class black_hole {
 public:
  black_hole() : listener_(listen_on(transport::tcp, 0)), only_one_(connect_to(listener_)) {}

  address where() const { return {listener_.to(), listener_.address_bytes}; }

 private:
  listening_socket listener_;
  descriptor only_one_; ///< a backlog of none has room for one
};

} // namespace weir::test
