#include "posix_spawn_plan.hpp"

#include <weir/io/system_calls.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>

extern "C" char** environ; // which not every <unistd.h> declares

namespace weir {
namespace {

constexpr int first_passed = 3;

/// The array of pointers that exec(3) wants; valid for as long as the strings.
std::vector<char*> pointers_to(const std::vector<std::string>& texts, const std::string* first = nullptr) {
  std::vector<char*> pointers;
  if (first) pointers.push_back(const_cast<char*>(first->c_str()));
  for (const std::string& each : texts) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool is_directory(const std::string& path) noexcept {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

} // namespace

spawn_plan::spawn_plan(const command& what) : what_(what) {
  if (::posix_spawn_file_actions_init(&actions_) != 0) throw std::bad_alloc();
  ::posix_spawnattr_init(&attributes_);
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE); // often ignored here; programs rely on it
  ::posix_spawnattr_setsigmask(&attributes_, &none);
  ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
}

spawn_plan::~spawn_plan() {
  ::posix_spawnattr_destroy(&attributes_);
  ::posix_spawn_file_actions_destroy(&actions_);
}

/// The copy lies above all numbers that the child gets: else giving one could overwrite the next.
result<> spawn_plan::give(int number, int source) {
  const int above_all = first_passed + static_cast<int>(what_.passed.size());
  descriptor copy(::fcntl(source, F_DUPFD_CLOEXEC, above_all));
  if (!copy) return fail(error::from_errno(errno, "spawn").at(what_.program));
  const int refused = ::posix_spawn_file_actions_adddup2(&actions_, copy.get(), number);
  if (refused != 0) return fail(error::from_errno(refused, "spawn").at(what_.program));
  copies_.push_back(std::move(copy));
  return {};
}

result<> spawn_plan::redirect_streams(pipe_end& input, pipe_end& output, pipe_end& errors) {
  result<> done = redirect(STDIN_FILENO, what_.input, input);
  if (done) done = redirect(STDOUT_FILENO, what_.output, output);
  if (done) done = redirect(STDERR_FILENO, what_.errors, errors);
  return done;
}

result<> spawn_plan::redirect(int number, const redirection& to, pipe_end& ours) {
  switch (to.kind()) {
  case redirection::target::inherited:
    return keep(number);
  case redirection::target::descriptor:
    return give(number, to.descriptor());
  case redirection::target::nothing: {
    const descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return fail(error::from_errno(errno, "open").at("/dev/null"));
    return give(number, null.get());
  }
  case redirection::target::pipe:
    break;
  }
  int ends[2];
  if (kernel_calls().pipe2(ends, O_CLOEXEC) != 0)
    return fail(error::from_errno(errno, "pipe2").at(what_.program));
  descriptor reader(ends[0]);
  descriptor writer(ends[1]);
  const bool is_input = number == STDIN_FILENO;
  const descriptor theirs = std::move(is_input ? reader : writer);
  result<pipe_end> adopted = pipe_end::adopt(std::move(is_input ? writer : reader));
  if (!adopted) return fail(std::move(adopted).error());
  ours = std::move(*adopted);
  return give(number, theirs.get());
}

result<> spawn_plan::pass_descriptors() {
  int next = first_passed;
  for (const int each : what_.passed)
    if (result<> given = give(next++, each); !given) return given;
  return close_from(next);
}

#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT // what is not named is closed

result<> spawn_plan::keep(int number) {
  if (::fcntl(number, F_GETFD) < 0) return {}; // closed here, and so there
  const int refused = ::posix_spawn_file_actions_addinherit_np(&actions_, number);
  if (refused != 0) return fail(error::from_errno(refused, "spawn").at(what_.program));
  return {};
}

result<> spawn_plan::close_from(int) {
  flags_ = static_cast<short>(flags_ | POSIX_SPAWN_CLOEXEC_DEFAULT);
  return {};
}

#else

result<> spawn_plan::keep(int) {
  return {};
}

result<> spawn_plan::close_from(int first) {
  const int refused = ::posix_spawn_file_actions_addclosefrom_np(&actions_, first);
  if (refused != 0) return fail(error::from_errno(refused, "spawn").at(what_.program));
  return {};
}

#endif

result<pid_t> spawn_plan::run() {
  int refused = 0;
  if (!what_.directory.empty())
    refused = ::posix_spawn_file_actions_addchdir_np(&actions_, what_.directory.c_str());
  const std::vector<char*> arguments = pointers_to(what_.arguments, &what_.program);
  std::vector<char*> environment;
  if (what_.environment) environment = pointers_to(*what_.environment);
  pid_t id = -1;
  ::posix_spawnattr_setflags(&attributes_, flags_);
  if (refused == 0)
    refused = ::posix_spawnp(&id, what_.program.c_str(), &actions_, &attributes_, arguments.data(),
                             what_.environment ? environment.data() : environ);
  if (refused == 0) return id;
  const bool blames_directory = !what_.directory.empty() && !is_directory(what_.directory);
  return fail(error::from_errno(refused, "spawn").at(blames_directory ? what_.directory : what_.program));
}

} // namespace weir
