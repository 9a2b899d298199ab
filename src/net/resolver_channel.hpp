// The c-ares side of a resolver: a channel whose sockets are watched and whose time-outs are a timer of the
// loop. Each question is told its answer exactly once: in `ask`, while a socket or the timer is served, or by
// the destructor. Being told must not ask again or destroy the channel: that is for `on_settled`, which
// follows.
#pragma once

#include "resolver_answer.hpp"

#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>
#include <weir/net/resolver.hpp>
#include <weir/os/watch.hpp>

#include <ares.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace weir {

/// What is asked: the addresses of `host` in one family, or (AF_UNSPEC) the name of `of`. Stays in place
/// until it is told.
struct channel_question {
  using function = void (*)(channel_question& self, name_answer&& answer) noexcept;
  channel_question(function to_tell, std::string of_host, int of_family, const address& of_address)
      : told(to_tell), host(std::move(of_host)), family(of_family), of(of_address) {}

  function told;
  std::string host;
  int family;
  address of;
  std::size_t addresses_max = 0; ///< set by the channel
};

class resolver_channel {
 public:
  /// Blocks: reads the system's configuration. From any thread; all else belongs to the loop's.
  static result<std::unique_ptr<resolver_channel>> open(const resolver_options& options);
  ~resolver_channel();
  resolver_channel(const resolver_channel&) = delete;
  resolver_channel& operator=(const resolver_channel&) = delete;

  void attach(loop& home, void (*on_settled)(void* context) noexcept, void* context) noexcept;
  void ask(channel_question& question) noexcept;

 private:
  /// A socket of c-ares, from when it is to be watched until just before it is closed.
  struct socket_watch {
    socket_watch(resolver_channel& of, int number, readiness wanted)
        : owner(of), descriptor(number), watched(number, wanted, &socket_watch::ready, this) {}
    static void ready(void* self, readiness seen) noexcept;

    resolver_channel& owner;
    int descriptor;
    watch watched;
  };
  struct query_timer : timer {
    explicit query_timer(resolver_channel& of) noexcept;
    resolver_channel& owner;
  };

  explicit resolver_channel(const resolver_options& options) noexcept
      : addresses_max_(options.addresses_max) {}

  static void socket_changed(void* self, int descriptor, int readable, int writable) noexcept;
  void process(int readable, int writable) noexcept;
  void arm_timer() noexcept;

  ares_channel channel_ = nullptr;
  loop* home_ = nullptr;
  void (*on_settled_)(void*) noexcept = nullptr;
  void* context_ = nullptr;
  std::size_t addresses_max_;
  std::map<int, socket_watch> sockets_;
  query_timer timeout_{*this};
};

} // namespace weir
