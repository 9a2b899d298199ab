// Scenarios of exhaustion with a real server, which the test cases of a suite share.
#pragma once

#include <weir/async/retry.hpp>

#include <gtest/gtest.h>
#include <support/exhaustion.hpp>
#include <support/real_server.hpp>

#include <memory>
#include <string>

namespace weir::test {

template <class Server>
class exhausted_server : public exhaustion_test {
 protected:
  static void SetUpTestSuite() {
    if (Server::why_not().empty()) shared = std::make_unique<Server>();
  }
  static void TearDownTestSuite() { shared.reset(); }

  void SetUp() override {
    if (!shared) GTEST_SKIP() << Server::why_not();
    exhaustion_test::SetUp();
  }

  static Server& server() { return *shared; }
  /// Until it lets clients in: until `connect` gives a connection.
  template <class Connect>
  static void wait_for_server(Connect connect) {
    auto home = loop::create();
    ASSERT_TRUE(home);
    auto wait = [&]() -> task<result<>> {
      retry_policy patient(10000, 1ms, 10ms);
      patient.is_worth_it = [](const error& why) noexcept { return !why.is_cancelled(); };
      auto made = co_await retry(patient, connect);
      if (!made) co_return fail(made.error());
      co_return result<>();
    };
    EXPECT_TRUE(weir::run(**home, wait()));
  }

 private:
  static inline std::unique_ptr<Server> shared;
};

} // namespace weir::test
