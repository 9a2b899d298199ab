// readiness of foreign descriptors: the reactor's face of a loop, for libraries that make their own calls
// (libpq, c-ares): `result<> ready = co_await readable(PQsocket(connection));` What is called again and again
// is `watch` (watch.hpp).
//
// Readiness says that a call would not block, not that it succeeds, and may be stale when others use the
// descriptor too: it must be non-blocking. An error or a hang-up of the descriptor is readiness: the
// library's own call learns which. Level-triggered: what is ready already ends the wait in the next turn.
// Thread rule: the loop's thread. Lifetime: the descriptor stays open until the wait has ended; after that
// its number may be closed and used anew at once. Cancel-safety: a wait takes nothing. Bound: one operation a
// wait (docs/operations.md), any number of waits a descriptor. Source: poll(2).
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/reactor.hpp>

#include <cstdint>
#include <source_location>

namespace weir {

/// Until any of `wanted` holds: which, and `hangup` or `failed` though they were not asked for.
task<result<readiness>> ready(int descriptor, readiness wanted,
                              std::source_location where = std::source_location::current());

/// Until a read would not block.
task<result<>> readable(int descriptor, std::source_location where = std::source_location::current());

/// Until a write would not block.
task<result<>> writable(int descriptor, std::source_location where = std::source_location::current());

/// The same in the bits of poll(2), and back.
std::uint32_t poll_bits_of(readiness wanted) noexcept;
readiness readiness_of_bits(std::uint32_t reported) noexcept;

} // namespace weir
