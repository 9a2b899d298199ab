// sender_names: the vocabulary of [exec] (C++26, P2300) that senders.hpp speaks, as `weir::exec`.
//
// Three sources, and the first that is there counts: an implementation that the program names before it
// includes this, `#define WEIR_EXECUTION stdexec` behind that one's header; the standard library's; or the
// few names below, which mean the same and are enough to connect, start and be told. The names are those of
// the final C++26 text (`sender_tag`). A program uses one of the three in all of its files.
#pragma once

#include <version>

#if defined(WEIR_EXECUTION)

namespace weir {
namespace exec = ::WEIR_EXECUTION;
using ::WEIR_EXECUTION::get_stop_token;
using ::WEIR_EXECUTION::get_stop_token_t;
} // namespace weir

#elif defined(__cpp_lib_senders)

#include <execution>
#include <stop_token>

namespace weir {
namespace exec = std::execution;
using std::get_stop_token;
using std::get_stop_token_t;
} // namespace weir

#else

#include <concepts>
#include <type_traits>
#include <utility>

namespace weir {

namespace exec {

struct sender_tag {};
struct receiver_tag {};
struct operation_state_tag {};
struct scheduler_tag {};

// --- the three ways in which a sender completes ---

struct set_value_t {
  template <class Receiver, class... Values>
  void operator()(Receiver&& to, Values&&... values) const noexcept {
    static_assert(!std::is_lvalue_reference_v<Receiver>, "a receiver is told once: move it");
    static_assert(noexcept(std::forward<Receiver>(to).set_value(std::forward<Values>(values)...)));
    std::forward<Receiver>(to).set_value(std::forward<Values>(values)...);
  }
};
struct set_error_t {
  template <class Receiver, class Error>
  void operator()(Receiver&& to, Error&& why) const noexcept {
    static_assert(!std::is_lvalue_reference_v<Receiver>, "a receiver is told once: move it");
    static_assert(noexcept(std::forward<Receiver>(to).set_error(std::forward<Error>(why))));
    std::forward<Receiver>(to).set_error(std::forward<Error>(why));
  }
};
struct set_stopped_t {
  template <class Receiver>
  void operator()(Receiver&& to) const noexcept {
    static_assert(!std::is_lvalue_reference_v<Receiver>, "a receiver is told once: move it");
    static_assert(noexcept(std::forward<Receiver>(to).set_stopped()));
    std::forward<Receiver>(to).set_stopped();
  }
};
inline constexpr set_value_t set_value{};
inline constexpr set_error_t set_error{};
inline constexpr set_stopped_t set_stopped{};

/// `completion_signatures<set_value_t(int), set_error_t(error), set_stopped_t()>`
template <class... Signatures>
struct completion_signatures {};

template <class Sender, class... Env>
using completion_signatures_of_t = typename std::remove_cvref_t<Sender>::completion_signatures;

// --- environments ---

struct empty_env {};
struct get_env_t {
  template <class Of>
  auto operator()(const Of& of) const noexcept {
    if constexpr (requires { of.get_env(); })
      return of.get_env();
    else
      return empty_env{};
  }
};
inline constexpr get_env_t get_env{};

template <class Receiver>
using env_of_t = decltype(get_env(std::declval<const Receiver&>()));

struct never_stop_token {
  template <class Callback>
  struct callback_type {
    explicit callback_type(never_stop_token, Callback) noexcept {}
  };
  static constexpr bool stop_requested() noexcept { return false; }
  static constexpr bool stop_possible() noexcept { return false; }
  bool operator==(const never_stop_token&) const = default;
};

struct get_scheduler_t {
  template <class Env>
  auto operator()(const Env& env) const noexcept {
    return env.query(*this);
  }
};
inline constexpr get_scheduler_t get_scheduler{};

template <class Completion>
struct get_completion_scheduler_t {
  template <class Env>
  auto operator()(const Env& env) const noexcept {
    return env.query(*this);
  }
};
template <class Completion>
inline constexpr get_completion_scheduler_t<Completion> get_completion_scheduler{};

// --- from a sender to its operation ---

struct connect_t {
  template <class Sender, class Receiver>
  auto operator()(Sender&& what, Receiver&& to) const {
    return std::forward<Sender>(what).connect(std::forward<Receiver>(to));
  }
};
struct start_t {
  template <class Operation>
  void operator()(Operation& what) const noexcept {
    static_assert(noexcept(what.start()));
    what.start();
  }
};
struct schedule_t {
  template <class Scheduler>
  auto operator()(Scheduler&& on) const noexcept {
    return std::forward<Scheduler>(on).schedule();
  }
};
inline constexpr connect_t connect{};
inline constexpr start_t start{};
inline constexpr schedule_t schedule{};

template <class Sender, class Receiver>
using connect_result_t = decltype(connect(std::declval<Sender>(), std::declval<Receiver>()));

// --- concepts ---

template <class T>
concept sender =
    std::derived_from<typename std::remove_cvref_t<T>::sender_concept, sender_tag> &&
    std::move_constructible<std::remove_cvref_t<T>> && std::constructible_from<std::remove_cvref_t<T>, T>;

template <class T>
concept receiver = std::derived_from<typename std::remove_cvref_t<T>::receiver_concept, receiver_tag> &&
                   std::is_nothrow_move_constructible_v<std::remove_cvref_t<T>> &&
                   std::constructible_from<std::remove_cvref_t<T>, T>;

template <class T>
concept operation_state = std::derived_from<typename T::operation_state_concept, operation_state_tag> &&
                          std::is_object_v<T> && requires(T& operation) {
                            { operation.start() } noexcept;
                          };

template <class T>
concept scheduler = std::derived_from<typename std::remove_cvref_t<T>::scheduler_concept, scheduler_tag> &&
                    std::equality_comparable<std::remove_cvref_t<T>> &&
                    std::copy_constructible<std::remove_cvref_t<T>> && requires(T&& on) {
                      { std::forward<T>(on).schedule() } -> sender;
                    };

} // namespace exec

struct get_stop_token_t {
  template <class Env>
  auto operator()(const Env& env) const noexcept {
    if constexpr (requires { env.query(*this); })
      return env.query(*this);
    else
      return exec::never_stop_token{};
  }
};
inline constexpr get_stop_token_t get_stop_token{};

} // namespace weir

#endif
