#include "backends.hpp"

#include <weir/io/iocp_proactor.hpp>

namespace weir::platform {

std::span<const backend> preferred_backends() noexcept {
  static constexpr backend preferred[] = {backend::iocp};
  return preferred;
}

result<chosen_backend> make_backend(backend which, std::string_view why, const proactor_options& options,
                                    completion_queue& completed, buffer_pool& pool, loop_counters& counters) {
  if (which != backend::iocp) return fail(error(std::errc::not_supported, "backend").at(name_of(which)));
  auto made = iocp_proactor::create(completed, pool, counters, options);
  if (!made) return fail(std::move(made).error());
  return chosen_backend(std::move(*made), "iocp: " + std::string(why));
}

} // namespace weir::platform
