// What the system is asked for by child processes, signals and watched files fails once at each place.
#include <weir/os/file_watch.hpp>
#include <weir/os/process.hpp>
#include <weir/os/signal_set.hpp>

#include <fcntl.h>
#include <support/exhaustion.hpp>
#include <unistd.h>

#include <csignal>

namespace weir::test {
namespace {

task<result<>> speak_and_listen() {
  command repeat("/bin/cat");
  repeat.input = redirection::pipe();
  repeat.output = redirection::pipe();
  result<process> child = process::spawn(repeat);
  if (!child) co_return fail(child.error());
  const std::string_view said = "said";
  const result<> written = co_await child->input().write_all(std::as_bytes(std::span(said)));
  if (!written) co_return fail(written.error());
  child->input().close();
  std::array<std::byte, 16> heard;
  result<std::size_t> count = co_await child->output().read_some(heard);
  if (!count) co_return fail(count.error());
  EXPECT_EQ(*count, said.size());
  result<exit_status> end = co_await child->wait();
  if (!end) co_return fail(end.error());
  EXPECT_TRUE(end->is_success());
  co_return result<>();
}

task<result<>> be_signalled() {
  result<signal_set> wanted = signal_set::open({SIGUSR1});
  if (!wanted) co_return fail(wanted.error());
  ::kill(::getpid(), SIGUSR1);
  result<signal_notice> told = co_await wanted->next();
  if (!told) co_return fail(told.error());
  EXPECT_EQ(told->number, SIGUSR1);
  co_return result<>();
}

/// A file that is there as long as this, and needs no memory to be changed or to go.
class passing_file {
 public:
  explicit passing_file(std::string path) : path_(std::move(path)) { write("a"); }
  passing_file(const passing_file&) = delete;
  passing_file& operator=(const passing_file&) = delete;
  ~passing_file() { ::unlink(path_.c_str()); }

  const std::string& path() const noexcept { return path_; }
  void write(std::string_view text) const noexcept {
    const spared of_faults;
    const descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

 private:
  std::string path_;
};

task<result<>> see_a_change() {
  const passing_file file("/tmp/weir-exhaustion-" + std::to_string(::getpid()));
  result<file_watch> changes = file_watch::open();
  if (!changes) co_return fail(changes.error());
  result<int> added = changes->add(file.path());
  if (!added) co_return fail(added.error());
  file.write("b");
  result<file_change> next = co_await changes->next();
  if (!next) co_return fail(next.error());
  EXPECT_EQ(next->watch, *added);
  co_return result<>();
}

using os_exhaustion = exhaustion_test;

TEST_P(os_exhaustion, of_a_child_process_is_an_error_that_leaves_no_zombie) {
  fail_each_step_of([] { return within_patience(speak_and_listen()); });
}
TEST_P(os_exhaustion, of_signals_is_an_error) {
  fail_each_step_of([] { return within_patience(be_signalled()); });
}
TEST_P(os_exhaustion, of_watched_files_is_an_error) {
  fail_each_step_of([] { return within_patience(see_a_change()); });
}

INSTANTIATE_TEST_SUITE_P(each, os_exhaustion, each_fault(), name_of_fault);

} // namespace
} // namespace weir::test
