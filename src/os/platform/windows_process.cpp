#include "../../io/platform/windows_errors.hpp"
#include "../../io/platform/windows_handles.hpp"
#include "windows_spawn_plan.hpp"

#include <weir/os/process.hpp>
#include <weir/os/readiness.hpp>

#include <cerrno>

namespace weir {
namespace {

bool has_ended(int handle, DWORD wait_ms = 0) noexcept {
  return ::WaitForSingleObject(platform::handle_of(handle), wait_ms) == WAIT_OBJECT_0;
}

/// The exit status of a process that is ended from here, which no program has by itself: an NTSTATUS of a
/// customer's, "WE" and the signal.
constexpr DWORD ended_by_signal = 0xe057'4500;
constexpr DWORD signal_mask = 0xff;

constexpr DWORD status_of_signal(int signal) noexcept {
  return ended_by_signal | static_cast<DWORD>(signal);
}

/// The signal that other systems make of an exception that nobody handled; 0 for none.
int signal_of_exception(DWORD status) noexcept {
  switch (status) {
  case EXCEPTION_ACCESS_VIOLATION:
  case EXCEPTION_STACK_OVERFLOW:
  case EXCEPTION_IN_PAGE_ERROR:
    return SIGSEGV;
  case EXCEPTION_ILLEGAL_INSTRUCTION:
  case EXCEPTION_PRIV_INSTRUCTION:
    return SIGILL;
  case EXCEPTION_INT_DIVIDE_BY_ZERO:
  case EXCEPTION_FLT_DIVIDE_BY_ZERO:
    return SIGFPE;
  case static_cast<DWORD>(STATUS_CONTROL_C_EXIT):
    return SIGINT;
  default:
    return 0;
  }
}

exit_status status_of(DWORD told) noexcept {
  using enum exit_status::ending;
  if ((told & ~signal_mask) == ended_by_signal)
    return exit_status(signalled, static_cast<int>(told & signal_mask));
  if (const int signal = signal_of_exception(told)) return exit_status(signalled, signal);
  return exit_status(exited, static_cast<int>(told));
}

} // namespace

result<process> process::spawn(const command& what) {
  process made;
  spawn_plan plan(what);
  if (result<> done = plan.redirect_streams(made.input_, made.output_, made.errors_); !done)
    return fail(std::move(done).error());
  if (result<> done = plan.pass_descriptors(); !done) return fail(std::move(done).error());

  result<descriptor> started = plan.run();
  if (!started) return fail(std::move(started).error());
  made.handle_ = std::move(*started);
  made.id_ = static_cast<pid_t>(::GetProcessId(platform::handle_of(made.handle_.get())));
  return made;
}

process::~process() {
  if (id_ <= 0 || ended_) return;
  if (::TerminateProcess(platform::handle_of(handle_.get()), status_of_signal(SIGKILL)))
    has_ended(handle_.get(), INFINITE);
}

task<result<exit_status>> process::wait() {
  while (!ended_) {
    result<> woken = co_await readable(handle_.get());
    if (!woken) co_return fail(error(woken.error().code(), "wait"));
    DWORD told = 0;
    if (ended_ || !has_ended(handle_.get())) continue;
    if (!::GetExitCodeProcess(platform::handle_of(handle_.get()), &told))
      co_return fail(error::from_errno(platform::errno_of(::GetLastError()), "GetExitCodeProcess"));
    ended_.emplace(status_of(told));
  }
  co_return *ended_;
}

result<> process::kill(int signal) {
  if (ended_) return fail(std::errc::no_such_process, "kill");
  if (signal != SIGKILL && signal != SIGTERM)
    return fail(std::errc::not_supported, "kill: Windows ends processes, and sends no other signal");
  if (::TerminateProcess(platform::handle_of(handle_.get()), status_of_signal(signal))) return {};
  const DWORD why = ::GetLastError();
  if (has_ended(handle_.get())) return {}; // it was quicker
  return fail(error::from_errno(platform::errno_of(why), "kill"));
}

} // namespace weir
