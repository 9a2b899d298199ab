// dump: "what am I waiting for?" as text: every operation in flight with kind, descriptor, state, age and the
// source line that started it, every stream with what it holds, who holds receive memory (leases) that is
// older than a turn, and every nursery that has children, with what these wait for.
//
//   co_await children.spawn(dump_on_signal());      then: kill -USR1 PID
//
// Errors: std::bad_alloc. Bound: the memory of the text, a line an operation, stream and slot.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/runtime/metrics_registry.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace weir {

/// Of one loop, on its thread.
std::string dump(const loop& of);

/// Of all loops, from any thread that is not a loop's: each writes its own. Of one that does not answer
/// within `patience` it says what holds it up.
std::string dump_all(metrics_registry& loops = metrics_registry::of_process(),
                     std::chrono::nanoseconds patience = std::chrono::milliseconds(500));

/// To standard error, in one write where the kernel allows.
void write_dump(std::string_view text) noexcept;

/// At each signal of `told` hands the dump of all loops to `write`, until cancelled. The loop goes on
/// meanwhile: what may wait for other loops is done on a thread of the blocking pool, and `write` runs there.
task<result<>> dump_on_signal(signal_set told, std::function<void(std::string_view)> write = write_dump,
                              metrics_registry& loops = metrics_registry::of_process());

} // namespace weir
