// curl_multi: libcurl's multi handle on a loop: its sockets are watches, its one timer a timer.
//
// libcurl must not be called from its own call-backs. It is not: they only note what is wanted, and whoever
// they wake runs in the deferred phase. Thread rule: the loop's thread. Lifetime: outlives its exchanges.
#pragma once

#include <weir/io/loop.hpp>
#include <weir/io/timer.hpp>
#include <weir/os/watch.hpp>

#include <curl/curl.h>

#include <map>
#include <memory>

namespace weir {

class curl_multi {
 public:
  explicit curl_multi(long connections_idle_max);
  ~curl_multi();
  curl_multi(const curl_multi&) = delete;
  curl_multi& operator=(const curl_multi&) = delete;

  /// Starts a transfer; its CURLOPT_PRIVATE is a curl_exchange, which is told of its end.
  CURLMcode add(CURL* transfer) noexcept { return ::curl_multi_add_handle(handle_.get(), transfer); }
  void remove(CURL* transfer) noexcept { ::curl_multi_remove_handle(handle_.get(), transfer); }

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

  struct cleanup {
    void operator()(CURLM* unwanted) const noexcept { ::curl_multi_cleanup(unwanted); }
  };
  loop& home_;
  std::map<curl_socket_t, socket_watch> watches_; ///< nodes stay where they are
  patience patience_{*this};
  std::unique_ptr<CURLM, cleanup> handle_; ///< goes first: it still says which sockets it closes
};

} // namespace weir
