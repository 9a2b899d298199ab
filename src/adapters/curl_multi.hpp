// curl_multi: libcurl's multi handle on a loop: its sockets are watches, its one timer a timer.
//
// libcurl must not be called from its own call-backs. It is not: they only note what is wanted, and whoever
// they wake runs in the deferred phase. A socket that cannot be watched, for want of memory or of a place in
// the kernel's set, ends all transfers that are under way: libcurl would wait for it in vain. Thread rule:
// the loop's thread. Lifetime: outlives its exchanges.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>
#include <weir/os/watch.hpp>

#include <curl/curl.h>

#include <map>
#include <memory>

namespace weir {

class curl_exchange;

class curl_multi {
 public:
  explicit curl_multi(long connections_idle_max);
  ~curl_multi();
  curl_multi(const curl_multi&) = delete;
  curl_multi& operator=(const curl_multi&) = delete;

  /// Starts a transfer; the exchange is told of its end.
  CURLMcode add(CURL* transfer, curl_exchange& of) noexcept;
  void remove(CURL* transfer, curl_exchange& of) noexcept;

 private:
  struct socket_watch {
    socket_watch(curl_multi& multi, int number, readiness wanted)
        : of(multi), descriptor(number), on_ready(number, wanted, on_socket_ready, this) {}
    curl_multi& of;
    int descriptor;
    watch on_ready;
  };
  struct patience : timer {
    explicit patience(curl_multi& multi) noexcept : timer(on_timer_expired), of(multi) {}
    curl_multi& of;
  };

  static int on_socket_wanted(CURL*, curl_socket_t number, int what, void* self, void*) noexcept;
  static int on_timer_wanted(CURLM*, long milliseconds, void* self) noexcept;
  static void on_socket_ready(void* context, readiness seen) noexcept;
  static void on_timer_expired(timer& self) noexcept;
  void act(curl_socket_t number, int events) noexcept;
  void end_all() noexcept;

  struct cleanup {
    void operator()(CURLM* unwanted) const noexcept { ::curl_multi_cleanup(unwanted); }
  };
  loop& home_;
  intrusive_list<curl_exchange> under_way_;
  std::map<curl_socket_t, socket_watch> watches_; ///< nodes stay where they are
  patience patience_{*this};
  std::unique_ptr<CURLM, cleanup> handle_; ///< goes first: it still says which sockets it closes
};

} // namespace weir
