// A test case with a real server, which takes long to start: it goes through all of its steps with the one
// that it has started, on io_uring and on epoll. (Adapters wait by polls, of which io_uring has one kind.)
#pragma once

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/real_server.hpp>

#include <array>
#include <memory>
#include <string>

namespace weir::test {

template <class Server>
class server_test : public coroutine_fixture {
 protected:
  /// Calls `steps()` with a loop open and `server` running. The server ends with it.
  template <class Steps>
  void with_server(Steps steps) {
    if (const std::string reason = Server::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    server = std::make_unique<Server>();
    const auto all = streaming_backends();
    for (const backend_case& backend : {all.front(), all.back()}) {
      SCOPED_TRACE(backend.name);
      if (backend.is_io_uring() && !why_no_io_uring().empty()) continue; // epoll is there always
      open(backend, backend.options());
      steps();
      EXPECT_TRUE(wait_for([&] { return on().blocking().threads_busy(pool_class::user) == 0; }));
    }
    server.reset();
  }

  std::unique_ptr<Server> server;
};

} // namespace weir::test
