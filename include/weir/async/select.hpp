// select: receives from whichever of several channels has a value first:
// `result<std::variant<job, command>> next = co_await select(jobs, commands);`
//
// The alternative's index is the channel's. Values are taken from exactly one channel, and only when select
// ends: the others lose nothing. Fair: of those that are ready together one is taken at random (the loop's
// numbers), so none starves. Channels that are closed and empty are passed over; when all are,
// errc::closed. Who receives from a channel directly goes before those who select. Cancel-safe: a value that
// was taken is delivered, a select that was cancelled has taken none. Thread rule: the loop's thread; resumes
// in the deferred phase. Lifetime: the channels outlive it. Bound: any number of selects may watch a channel,
// each is woken by each arrival; allocates nothing.
#pragma once

#include <weir/async/channel.hpp>
#include <weir/async/task.hpp>
#include <weir/async/waiter.hpp>
#include <weir/base/result.hpp>
#include <weir/io/loop.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>

namespace weir {

/// Waits until one of the channels has a value or is closed.
template <std::size_t Count>
class [[nodiscard]] readiness_awaiter : public waiter {
 public:
  template <class... Ts>
  explicit readiness_awaiter(channel<Ts>&... from) noexcept : waiter("select") {
    std::size_t index = 0;
    (watch(from, watchers_[index++]), ...);
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting)) return false;
    wait();
    return true;
  }
  result<> await_resume() noexcept { return outcome(); }

 private:
  struct watcher : channel_watcher {
    watcher() noexcept
        : channel_watcher([](channel_watcher& self) noexcept { static_cast<watcher&>(self).owner->tell(); }) {
    }
    readiness_awaiter* owner = nullptr;
  };

  /// A channel that is closed has nothing more to say.
  template <class T>
  void watch(channel<T>& which, watcher& by) noexcept {
    by.owner = this;
    if (!which.is_closed()) which.watch(by);
  }
  void tell() noexcept {
    if (is_waiting()) wake(); // else another channel, or a cancellation, was first
  }

  std::array<watcher, Count> watchers_;
};

/// Takes from whichever channel has a value.
template <class... Ts>
class selection {
 public:
  using value = std::variant<Ts...>;

  explicit selection(channel<Ts>&... from) noexcept : from_(from...) {}

  /// Begins to look with the channel numbered `first`.
  std::optional<value> take(std::size_t first) { return take(first, std::index_sequence_for<Ts...>()); }

 private:
  template <std::size_t... Index>
  std::optional<value> take(std::size_t first, std::index_sequence<Index...>) {
    using taker = void (selection::*)(std::optional<value>&);
    static constexpr std::array<taker, sizeof...(Ts)> takers{&selection::take_from<Index>...};
    std::optional<value> taken;
    for (std::size_t i = 0; i < takers.size() && !taken; ++i)
      (this->*takers[(first + i) % takers.size()])(taken);
    return taken;
  }
  template <std::size_t Index>
  void take_from(std::optional<value>& taken) {
    auto& from = std::get<Index>(from_);
    if (!from.empty()) taken.emplace(std::in_place_index<Index>, std::move(*from.try_receive()));
  }

  std::tuple<channel<Ts>&...> from_;
};

template <class... Ts>
  requires(sizeof...(Ts) > 0)
task<result<std::variant<Ts...>>> select(channel<Ts>&... from) {
  cancellation* scope = co_await current_cancellation();
  if (scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "select");
  for (;;) {
    const std::size_t first = loop::current()->random() % sizeof...(Ts);
    std::optional<std::variant<Ts...>> taken = selection<Ts...>(from...).take(first);
    if (taken) co_return std::move(*taken);
    if ((from.is_closed() && ...)) co_return fail(errc::closed, "select");
    result<> ready = co_await readiness_awaiter<sizeof...(Ts)>(from...);
    if (!ready) co_return fail(std::move(ready).error());
  }
}

} // namespace weir
