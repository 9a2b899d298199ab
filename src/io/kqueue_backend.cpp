#include <weir/io/kqueue_backend.hpp>
#include <weir/io/kqueue_reactor.hpp>
#include <weir/io/reactive_proactor.hpp>

namespace weir {

result<chosen_backend> kqueue_backend(const loop_options& options, completion_queue& completed,
                                      buffer_pool& pool, loop_counters& counters) {
  auto reactor = kqueue_reactor::create(counters);
  if (!reactor) return fail(reactor.error());
  auto adapted =
      std::make_unique<reactive_proactor>(std::move(*reactor), completed, pool, counters, options.io);
  return chosen_backend(std::move(adapted), "kqueue: asked for by the program");
}

} // namespace weir
