// kqueue_backend: a backend on kqueue, for `loop::create(options, kqueue_backend)`. Component weir::kqueue on
// Linux, where it needs libkqueue. Strategies and bounds of reactive_proactor.hpp.
#pragma once

#include <weir/io/backend.hpp>
#include <weir/io/loop.hpp>

namespace weir {

result<chosen_backend> kqueue_backend(const loop_options& options, completion_queue& completed,
                                      buffer_pool& pool, loop_counters& counters);

} // namespace weir
