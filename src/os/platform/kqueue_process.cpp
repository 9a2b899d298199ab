#include "kqueue_event_queue.hpp"
#include "posix_spawn_plan.hpp"

#include <weir/os/process.hpp>
#include <weir/os/readiness.hpp>

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace weir {
namespace {

exit_status status_of(int status) noexcept {
  using enum exit_status::ending;
  if (WIFEXITED(status)) return exit_status(exited, WEXITSTATUS(status));
  return exit_status(WCOREDUMP(status) ? dumped : signalled, WTERMSIG(status));
}

} // namespace

result<process> process::spawn(const command& what) {
  process made;
  result<descriptor> queue = open_event_queue();
  if (!queue) return fail(std::move(queue).error().at(what.program));
  made.handle_ = std::move(*queue);
  spawn_plan plan(what);
  if (result<> done = plan.redirect_streams(made.input_, made.output_, made.errors_); !done)
    return fail(std::move(done).error());
  if (result<> done = plan.pass_descriptors(); !done) return fail(std::move(done).error());

  result<pid_t> started = plan.run();
  if (!started) return fail(std::move(started).error());
  made.id_ = *started;
  const auto child = static_cast<std::uintptr_t>(made.id_);
  int listened = change_event(made.handle_.get(), event_of(child, EVFILT_PROC, EV_ADD, NOTE_EXIT));
  if (listened == -ESRCH) listened = make_readable(made.handle_.get()); // it has ended already
  if (listened < 0) return fail(error::from_errno(-listened, "kevent").at(what.program)); // and ends it
  return made;
}

process::~process() {
  if (id_ <= 0 || ended_) return;
  if (!reap(WNOHANG) || ended_) return; // where others have waited for it, the number may be another's
  const bool will_end = ::kill(id_, SIGKILL) == 0 || errno == ESRCH;
  reap(will_end ? 0 : WNOHANG);
}

/// Takes the exit status when it is there; with WNOHANG only then. False: there is no such child.
bool process::reap(int options) noexcept {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(id_, &status, options);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == id_) ended_.emplace(status_of(status));
  return reaped >= 0;
}

/// The event is left in the queue, which so stays readable: it may come before waitpid(2) knows of the end.
task<result<exit_status>> process::wait() {
  while (!ended_) {
    result<> woken = co_await readable(readable_face(handle_.get()));
    if (!woken) co_return fail(error(woken.error().code(), "wait"));
    if (!ended_ && !reap(WNOHANG)) co_return fail(error::from_errno(errno, "waitpid"));
  }
  co_return *ended_;
}

/// The number is the child's until it was waited for.
result<> process::kill(int signal) {
  if (ended_ || !reap(WNOHANG)) return fail(std::errc::no_such_process, "kill");
  if (ended_) return {}; // as to every child that nobody has waited for
  if (::kill(id_, signal) != 0) return fail(error::from_errno(errno, "kill"));
  return {};
}

} // namespace weir
