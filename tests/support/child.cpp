#include <weir/io/descriptor.hpp>
#include <weir/io/system_calls.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <support/backends.hpp>
#include <support/child.hpp>
#include <support/sockets.hpp>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <utility>

namespace weir::test {
namespace {

std::string what_says(const std::function<std::string()>& body, system_calls& with) {
  const system_calls_scope its_kernel(with);
  return body();
}

} // namespace

child_process::child_process(const std::function<std::string()>& body) {
  system_calls& of_the_test = calls(); // a simulated host's, it may be, but the report is real
  const system_calls_scope report_is_real(kernel_calls());
  settle_backends(); // an emulation closes its descriptors in the child, by number
  connection ends = connect_pair(transport::local);
  child_ = ::fork();
  if (child_ < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    send_text(ends.theirs.get(), what_says(body, of_the_test));
    ::_exit(0);
  }
  report_ = std::move(ends.ours);
}

child_process::~child_process() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

std::string child_process::report() {
  int status = 0;
  ::waitpid(std::exchange(child_, -1), &status, 0);
  const system_calls_scope report_is_real(kernel_calls());
  const std::string text = read_to_end(report_.get());
  return status == 0 ? text : "the child ended with status " + std::to_string(status) + ": " + text;
}

std::string in_child(const std::function<std::string()>& body) {
  return child_process(body).report();
}

void forbid_system_call(unsigned number, int error_number) {
  std::array<sock_filter, 4> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error_number)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    throw std::system_error(errno, std::system_category(), "seccomp");
}

void forbid_io_uring(int error_number) {
  forbid_system_call(SYS_io_uring_setup, error_number);
}

} // namespace weir::test
