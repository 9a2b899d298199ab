#include "curl_multi.hpp"

#include "curl_exchange.hpp"

#include <mutex>
#include <new>

namespace weir {
namespace {

void initialise_once() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

readiness readiness_of(int curl_interest) noexcept {
  if (curl_interest == CURL_POLL_IN) return readiness::readable;
  if (curl_interest == CURL_POLL_OUT) return readiness::writable;
  return curl_interest == CURL_POLL_INOUT ? readiness::readable | readiness::writable : readiness::none;
}

} // namespace

curl_multi::curl_multi(long connections_idle_max) : home_(*loop::current()) {
  initialise_once();
  handle_.reset(::curl_multi_init());
  if (!handle_) throw std::bad_alloc();
  ::curl_multi_setopt(handle_.get(), CURLMOPT_SOCKETFUNCTION, &curl_multi::on_socket_wanted);
  ::curl_multi_setopt(handle_.get(), CURLMOPT_SOCKETDATA, this);
  ::curl_multi_setopt(handle_.get(), CURLMOPT_TIMERFUNCTION, &curl_multi::on_timer_wanted);
  ::curl_multi_setopt(handle_.get(), CURLMOPT_TIMERDATA, this);
  ::curl_multi_setopt(handle_.get(), CURLMOPT_MAXCONNECTS, connections_idle_max);
}

curl_multi::~curl_multi() = default;

int curl_multi::on_socket_wanted(CURL*, curl_socket_t number, int what, void* self, void*) noexcept {
  auto& multi = *static_cast<curl_multi*>(self);
  if (what == CURL_POLL_REMOVE) {
    multi.watches_.erase(number);
    return 0;
  }
  try {
    const auto [at, is_new] = multi.watches_.try_emplace(number, multi, number, readiness_of(what));
    if (!is_new) at->second.on_ready.set_interest(readiness_of(what));
    return 0;
  } catch (const std::bad_alloc&) {
    multi.end_all();
    return -1;
  }
}

int curl_multi::on_timer_wanted(CURLM*, long milliseconds, void* self) noexcept {
  auto& multi = *static_cast<curl_multi*>(self);
  if (milliseconds < 0) {
    multi.patience_.unlink();
  } else {
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    multi.home_.arm(multi.patience_,
                    multi.home_.now_ns() + static_cast<std::uint64_t>(milliseconds) * ns_per_ms);
  }
  return 0;
}

void curl_multi::on_socket_ready(void* context, readiness seen) noexcept {
  const auto& which = *static_cast<socket_watch*>(context); // gone, maybe, after the call below
  const bool is_unwatchable = !any(which.on_ready.interest());
  if (is_unwatchable) return which.of.end_all();
  int events = 0;
  if (any(seen & readiness::readable)) events |= CURL_CSELECT_IN;
  if (any(seen & readiness::writable)) events |= CURL_CSELECT_OUT;
  if (any(seen & (readiness::hangup | readiness::failed))) events |= CURL_CSELECT_IN | CURL_CSELECT_ERR;
  which.of.act(which.descriptor, events);
}

void curl_multi::on_timer_expired(timer& self) noexcept {
  static_cast<patience&>(self).of.act(CURL_SOCKET_TIMEOUT, 0);
}

CURLMcode curl_multi::add(CURL* transfer, curl_exchange& of) noexcept {
  const CURLMcode added = ::curl_multi_add_handle(handle_.get(), transfer);
  if (added == CURLM_OK) under_way_.push_back(of);
  return added;
}

void curl_multi::remove(CURL* transfer, curl_exchange& of) noexcept {
  of.unlink();
  ::curl_multi_remove_handle(handle_.get(), transfer);
}

/// Each is taken out by whoever waits for it; behind the last one libcurl begins anew.
void curl_multi::end_all() noexcept {
  while (curl_exchange* next = under_way_.pop_front()) next->ended(CURLE_OUT_OF_MEMORY);
}

void curl_multi::act(curl_socket_t number, int events) noexcept {
  int running = 0;
  ::curl_multi_socket_action(handle_.get(), number, events, &running);
  int left = 0;
  while (const CURLMsg* message = ::curl_multi_info_read(handle_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* exchange = nullptr;
    ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
    reinterpret_cast<curl_exchange*>(exchange)->ended(message->data.result);
  }
}

} // namespace weir
