#include "resolver_core.hpp"

#include <weir/async/event.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/resolver_connect.hpp>

#include <optional>

namespace weir {
namespace {

/// Feeds the race from both lookups.
class host_candidates {
 public:
  host_candidates(resolver& names, std::string host, std::uint16_t port, const connect_options& options)
      : names_(names), host_(std::move(host)), port_(port), options_(options),
        race_(options, address_interleaver::preference::ipv6) {}

  task<result<stream>> connect() {
    auto body = [this](nursery& lookups) -> task<result<stream>> {
      result<> spawned = co_await lookups.spawn(look_up());
      if (!spawned) co_return fail(std::move(spawned).error());
      result<stream> raced = co_await race_.run();
      lookups.cancel();
      co_return raced;
    };
    result<stream> made = co_await with_nursery(nursery_options(1), body);
    if (made || has_found_) co_return made;
    const bool has_tried_none = made.error() == std::errc::destination_address_required;
    if (has_tried_none && no_v6_ && no_v4_) co_return fail(worse_of(*no_v6_, *no_v4_));
    co_return fail(std::move(made).error().at(host_));
  }

 private:
  task<> look_up() {
    co_await when_all(look_up_v6(), look_up_v4());
    race_.no_more_come();
  }

  task<> look_up_v6() {
    result<std::vector<address>> found = co_await names_.resolve(host_, port_, ip_family::v6);
    take(found, no_v6_);
    v6_is_known_.set();
  }

  task<> look_up_v4() {
    result<std::vector<address>> found = co_await names_.resolve(host_, port_, ip_family::v4);
    if (found) {
      auto known = [this]() -> task<result<>> { co_return co_await v6_is_known_.wait(); };
      [[maybe_unused]] result<> waited = co_await with_deadline(options_.resolution_delay, known());
    }
    take(found, no_v4_);
  }

  void take(const result<std::vector<address>>& found, std::optional<error>& none) {
    if (!found) {
      none = found.error();
      return;
    }
    has_found_ = true;
    race_.add(*found);
  }

  resolver& names_;
  std::string host_;
  std::uint16_t port_;
  connect_options options_;
  connection_race race_;
  event v6_is_known_{event_reset::manual};
  std::optional<error> no_v6_;
  std::optional<error> no_v4_;
  bool has_found_ = false;
};

} // namespace

task<result<stream>> connect_host(resolver& names, std::string host, std::uint16_t port,
                                  connect_options options) {
  host_candidates candidates(names, std::move(host), port, options);
  co_return co_await candidates.connect();
}

} // namespace weir
