// signals: SIGINT and SIGTERM as something that a coroutine waits for, instead of handlers.
//
// They are blocked from its construction to its destruction, for the constructing thread and those that it
// starts meanwhile: make it before anything else. Thread rule: `next` belongs to the loop. Cancel-safety: a
// cancelled `next` takes no signal.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>

#include <csignal>

namespace weir::app {

class signals {
 public:
  static result<signals> block();
  signals(signals&& other) noexcept;
  signals& operator=(signals&&) = delete;
  ~signals();

  /// The number of the next one.
  task<result<int>> next();

 private:
  signals(descriptor source, const sigset_t& mask_before) noexcept;

  descriptor source_; ///< signalfd(2)
  sigset_t mask_before_;
};

} // namespace weir::app
