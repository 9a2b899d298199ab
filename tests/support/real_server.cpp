#include <weir/io/descriptor.hpp>

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <support/real_server.hpp>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace weir::test {
namespace {

constexpr const char* postgres_programs = "/usr/lib/postgresql/15/bin/";
constexpr const char* redis_program = "/usr/bin/redis-server";

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

std::string why_no_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0 ? "" : "no " + path + " on this machine";
}

} // namespace

/// Below the ephemeral range: none of the thousands of connections that other tests make takes it before the
/// server has it.
std::uint16_t unused_port() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> choose(20'000, 32'000);
  for (;;) {
    const std::uint16_t port = choose(random);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!probe) throw_errno("socket");
    if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return port;
    if (errno != EADDRINUSE) throw_errno("bind");
  }
}

real_server::real_server(const char* user) : port_(unused_port()) {
  directory_ = (std::filesystem::temp_directory_path() / "weir_server_XXXXXX").string();
  if (!::mkdtemp(directory_.data())) throw_errno("mkdtemp");
  if (!user || ::geteuid() != 0) return;
  const passwd* found = ::getpwnam(user);
  if (!found) found = ::getpwnam("nobody");
  if (!found) throw std::runtime_error("no user to run a server as");
  user_ = found->pw_uid;
  group_ = found->pw_gid;
  if (::chown(directory_.c_str(), user_, group_) != 0) throw_errno("chown");
}

real_server::~real_server() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void real_server::start() {
  running_ = launch(command());
}

void real_server::stop() {
  const pid_t ending = std::exchange(running_, -1);
  if (ending < 0) return;
  ::kill(ending, SIGQUIT); // PostgreSQL's immediate shutdown; its own children it ends itself
  ::waitpid(ending, nullptr, 0);
}

void real_server::run_once(const std::vector<std::string>& what) const {
  int status = 0;
  ::waitpid(launch(what), &status, 0);
  if (status != 0) throw std::runtime_error(what.front() + " failed: " + log());
}

std::string real_server::log() const {
  std::ostringstream text;
  text << std::ifstream(directory_ + "/log").rdbuf();
  return text.str();
}

pid_t real_server::launch(const std::vector<std::string>& what) const {
  std::vector<char*> arguments;
  for (const std::string& each : what) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  const std::string log_path = directory_ + "/log";
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child > 0) return child;

  if (user_ != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0))
    ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT); // after the change of user, which clears it
  if (::getppid() != parent) ::_exit(126);
  const int log_file = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(log_file, STDOUT_FILENO);
  ::dup2(log_file, STDERR_FILENO);
  if (::chdir(directory_.c_str()) != 0) ::_exit(126);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

std::string postgres_server::why_not() {
  return why_no_program(std::string(postgres_programs) + "postgres");
}

postgres_server::postgres_server() : real_server("postgres") {
  run_once({std::string(postgres_programs) + "initdb", "--pgdata=" + directory() + "/data", "--no-sync",
            "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"});
  start();
}

std::vector<std::string> postgres_server::command() const {
  return {std::string(postgres_programs) + "postgres",
          "-D",
          directory() + "/data",
          "-F", // no fsync
          "-k",
          directory(),
          "-p",
          std::to_string(port()),
          "-c",
          "listen_addresses=127.0.0.1",
          "-c",
          "shared_buffers=16MB",
          "-c",
          "max_connections=40",
          "-c",
          "max_wal_senders=0",
          "-c",
          "autovacuum=off"};
}

std::string redis_server::why_not() {
  return why_no_program(redis_program);
}

std::vector<std::string> redis_server::command() const {
  return {redis_program, "--port", std::to_string(port()), "--bind", "127.0.0.1", "--unixsocket", path(),
          "--save",      "",       "--appendonly",         "no",     "--dir",     directory()};
}

} // namespace weir::test
