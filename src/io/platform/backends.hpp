// The backends that this system has.
#pragma once

#include <weir/io/backend.hpp>

#include <span>
#include <string_view>

namespace weir::platform {

/// What `automatic` tries, in this order.
std::span<const backend> preferred_backends() noexcept;

/// Not `automatic`. `why` is told as the reason of a backend that does not prove itself by more.
result<chosen_backend> make_backend(backend which, std::string_view why, const proactor_options& options,
                                    completion_queue& completed, buffer_pool& pool, loop_counters& counters);

} // namespace weir::platform
