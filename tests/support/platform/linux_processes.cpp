#include <fcntl.h>
#include <support/processes.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace weir::test {

bool is_process(pid_t id) {
  return ::kill(id, 0) == 0;
}

void await_end_of_child(pid_t id) {
  siginfo_t told{};
  ::waitid(P_PID, static_cast<id_t>(id), &told, WEXITED | WNOWAIT);
}

bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1;
}

void send_to_this_process(int signal) {
  ::kill(::getpid(), signal);
}

descriptor inheritable_copy(int number) {
  return descriptor(::fcntl(number, F_DUPFD, 50));
}

bool is_given(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

std::string interrupt_this_process() {
  ::kill(::getpid(), SIGINT);
  return {};
}

void prepare_child() {}

void crash() {
  ::raise(SIGSEGV);
  std::abort();
}

} // namespace weir::test
