#include "backends.hpp"

#include <weir/io/epoll_reactor.hpp>
#include <weir/io/reactive_proactor.hpp>
#include <weir/io/uring_proactor.hpp>

namespace weir::platform {
namespace {

/// "io_uring: proven by the self-test, without bundles"
std::string uring_reason(capability_mask allowed, capability_mask found) {
  std::string reason = "io_uring: proven by the self-test";
  const capability_mask missing(allowed.bits() & ~found.bits());
  if (missing.bits() != 0) reason += ", without " + missing.to_string();
  return reason;
}

} // namespace

std::span<const backend> preferred_backends() noexcept {
  static constexpr backend preferred[] = {backend::io_uring, backend::epoll};
  return preferred;
}

result<chosen_backend> make_backend(backend which, std::string_view why, const proactor_options& options,
                                    completion_queue& completed, buffer_pool& pool, loop_counters& counters) {
  if (which == backend::io_uring) {
    auto uring = uring_proactor::create(completed, pool, counters, options);
    if (!uring) return fail(std::move(uring).error());
    std::string reason = uring_reason(options.allowed, (*uring)->capabilities());
    return chosen_backend(std::move(*uring), std::move(reason));
  }
  if (which != backend::epoll) return fail(error(std::errc::not_supported, "backend").at(name_of(which)));
  auto reactor = epoll_reactor::create(counters);
  if (!reactor) return fail(std::move(reactor).error());
  auto adapted = std::make_unique<reactive_proactor>(std::move(*reactor), completed, pool, counters, options);
  return chosen_backend(std::move(adapted), "epoll: " + std::string(why));
}

} // namespace weir::platform
