// The choice of a backend: probe, self-test, and the reason told. On Linux io_uring where the kernel allows
// it and it proves itself, else epoll; on Windows I/O completion ports.
//
// WEIR_BACKEND ("io_uring", "epoll", "iocp") and WEIR_CAPABILITIES (capabilities.hpp) can only take away: a
// backend that the environment asks for and the machine does not have is an error that says why.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/proactor.hpp>

#include <memory>
#include <string>

namespace weir {

enum class backend : std::uint8_t { automatic, io_uring, epoll, iocp };
std::string_view name_of(backend which) noexcept;
result<backend> parse_backend(std::string_view text);

struct chosen_backend {
  chosen_backend(std::unique_ptr<proactor> chosen, std::string why) noexcept
      : implementation(std::move(chosen)), reason(std::move(why)) {}
  std::unique_ptr<proactor> implementation;
  std::string reason; ///< one line: "io_uring: proven by the self-test", "epoll: io_uring_setup: Operation
                      ///< not permitted"
};

result<chosen_backend> choose_backend(backend wanted, const proactor_options& options,
                                      completion_queue& completed, buffer_pool& pool,
                                      loop_counters& counters);

} // namespace weir
