#include "../without_sigpipe.hpp"

#include <weir/async/scope.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/os/pipe_end.hpp>
#include <weir/os/readiness.hpp>

#include <cerrno>

namespace weir {

task<result<std::size_t>> pipe_end::write_some(std::span<const std::byte> from) {
  cancellation* scope = co_await current_cancellation();
  if (scope && scope->is_requested()) co_return fail(std::errc::operation_canceled, "write");
  for (;;) {
    const ssize_t written =
        without_sigpipe([&] { return calls().write(end_.get(), from.data(), from.size()); });
    if (written >= 0) co_return static_cast<std::size_t>(written);
    if (errno != EAGAIN && errno != EINTR) co_return fail(error::from_errno(errno, "write"));
    result<> woken = co_await writable(end_.get());
    if (!woken) co_return fail(std::move(woken).error());
  }
}

void pipe_end::close() noexcept {
  end_.reset();
}

} // namespace weir
