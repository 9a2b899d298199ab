#include "posix_spawn_plan.hpp"

#include <weir/os/process.hpp>
#include <weir/os/readiness.hpp>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace weir {
namespace {

constexpr auto by_handle = static_cast<idtype_t>(3); // P_PIDFD, which older headers do not have

// <sys/pidfd.h> of glibc 2.36 declares these for C alone.
int pidfd_open(pid_t id) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
}
int pidfd_send_signal(int handle, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, handle, signal, nullptr, 0));
}

exit_status status_of(const siginfo_t& told) noexcept {
  using enum exit_status::ending;
  const auto how = told.si_code == CLD_EXITED ? exited : told.si_code == CLD_DUMPED ? dumped : signalled;
  return exit_status(how, told.si_status);
}

} // namespace

result<process> process::spawn(const command& what) {
  process made;
  spawn_plan plan(what);
  if (result<> done = plan.redirect_streams(made.input_, made.output_, made.errors_); !done)
    return fail(std::move(done).error());
  if (result<> done = plan.pass_descriptors(); !done) return fail(std::move(done).error());

  result<pid_t> started = plan.run();
  if (!started) return fail(std::move(started).error());
  made.id_ = *started;
  made.handle_ = descriptor(pidfd_open(made.id_));
  if (!made.handle_) {
    const int reason = errno;
    if (reason == ESRCH) made.id_ = -1; // reaped already: the number may be another's
    return fail(error::from_errno(reason, "pidfd_open").at(what.program)); // and ends it
  }
  return made;
}

process::~process() {
  if (id_ <= 0 || ended_) return;
  const int outcome = handle_ ? pidfd_send_signal(handle_.get(), SIGKILL)
                              : ::kill(id_, SIGKILL); // it has just been started: the number is its own
  const bool will_end = outcome == 0 || errno == ESRCH;
  reap(will_end ? 0 : WNOHANG);
}

/// Takes the exit status when it is there; with WNOHANG only then.
bool process::reap(int options) noexcept {
  siginfo_t told{};
  const idtype_t kind = handle_ ? by_handle : P_PID;
  const auto which = static_cast<id_t>(handle_ ? handle_.get() : id_);
  int outcome = 0;
  do {
    outcome = ::waitid(kind, which, &told, WEXITED | options);
  } while (outcome != 0 && errno == EINTR);
  if (outcome == 0 && told.si_pid == id_) ended_.emplace(status_of(told));
  return outcome == 0;
}

task<result<exit_status>> process::wait() {
  while (!ended_) {
    result<> woken = co_await readable(handle_.get());
    if (!woken) co_return fail(error(woken.error().code(), "wait"));
    if (!ended_ && !reap(WNOHANG)) co_return fail(error::from_errno(errno, "waitid"));
  }
  co_return *ended_;
}

result<> process::kill(int signal) {
  if (ended_) return fail(std::errc::no_such_process, "kill");
  if (pidfd_send_signal(handle_.get(), signal) != 0) return fail(error::from_errno(errno, "kill"));
  return {};
}

} // namespace weir
