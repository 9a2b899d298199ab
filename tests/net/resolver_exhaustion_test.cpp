// What a resolver needs fails once at each place: while it is opened, asks, and connects to what it found.
#include "resolver_rig.hpp"

#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/resolver_connect.hpp>

#include <support/exhaustion.hpp>

namespace weir::test {
namespace {

class resolver_exhaustion : public exhaustion_test {
 protected:
  /// c-ares asks again when a call fails; else a question would wait for its time-out.
  static resolver_options hurried(const address& server) {
    resolver_options options;
    options.servers = {server};
    options.search = std::vector<std::string>();
    options.resolv_conf = "/dev/null";
    options.hosts_file = "";
    options.query_timeout = 20ms;
    options.tries = 2;
    return options;
  }
};

task<result<>> look_up_twice(resolver_options options) {
  result<resolver> names = co_await resolver::open(std::move(options));
  if (!names) co_return fail(names.error());
  for (int i = 0; i < 2; ++i) { // what one broke, the next finds broken
    result<std::vector<address>> found = co_await names->resolve("www.example", 80);
    if (!found) co_return fail(found.error());
    EXPECT_FALSE(found->empty()); // one family is enough
  }
  co_return result<>();
}

task<result<>> look_up_at(dns_server& server, resolver_options options) {
  auto both = [&](nursery& children) -> task<result<>> {
    result<> spawned = co_await children.spawn(server.serve());
    if (!spawned) co_return spawned;
    result<> looked = co_await look_up_twice(std::move(options));
    children.cancel();
    co_return looked;
  };
  co_return co_await with_nursery(nursery_options(1), both);
}

TEST_P(resolver_exhaustion, of_a_lookup_is_an_error_that_leaks_nothing) {
  fail_each_step_of([&] {
    auto whole = []() -> task<result<>> {
      std::unique_ptr<dns_server> server;
      {
        const spared of_faults;
        server = std::make_unique<dns_server>(two_families);
      }
      co_return co_await look_up_at(*server, hurried(server->where()));
    };
    return within_patience(whole());
  });
}

INSTANTIATE_TEST_SUITE_P(each, resolver_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::test
