// The self-test of postgres_query_service: a PostgreSQL server of its own, a child process in a temporary
// directory, and a client that knows the answers.
#pragma once

#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/stream.hpp>
#include <weir/os/process.hpp>

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

class temporary_postgres {
 public:
  static bool is_installed() { return std::filesystem::exists(programs() + "postgres"); }

  temporary_postgres() {
    ::mkdtemp(directory_.data());
    const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; // it refuses to be root
    if (user && ::chown(directory_.c_str(), user->pw_uid, user->pw_gid) == 0)
      prefix_.insert(prefix_.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
  }
  ~temporary_postgres() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  weir::task<weir::result<>> start() {
    const std::string data = directory_ + "/data";
    auto make = weir::process::spawn(
        command_of({programs() + "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", data}));
    if (!make) co_return weir::fail(make.error());
    weir::result<weir::exit_status> made = co_await make->wait();
    if (!made || !made->is_success()) co_return weir::fail(std::errc::no_such_process, "initdb");
    auto run = weir::process::spawn(
        command_of({programs() + "postgres", "-D", data, "-F", "-k", directory_, "-c", "listen_addresses="}));
    if (!run) co_return weir::fail(run.error());
    server_.emplace(std::move(*run));
    co_return weir::result<>();
  }

  weir::task<> stop() {
    if (server_ && server_->kill(SIGQUIT)) (void)co_await server_->wait();
  }

  std::string connection_string() const { return "user=postgres dbname=postgres host=" + directory_; }

 private:
  static std::string programs() { return "/usr/lib/postgresql/15/bin/"; }

  weir::command command_of(std::vector<std::string> words) const {
    words.insert(words.begin(), prefix_.begin(), prefix_.end());
    const std::string program = words.front();
    words.erase(words.begin());
    weir::command made(program, std::move(words));
    made.directory = directory_;
    made.output = made.errors = weir::redirection::nothing();
    return made;
  }

  std::string directory_ = (std::filesystem::temp_directory_path() / "weir_postgres_XXXXXX").string();
  std::vector<std::string> prefix_{"/usr/bin/setpriv", "--pdeathsig=QUIT"}; ///< it ends with this process
  std::optional<weir::process> server_;
};

/// Asks until the database has started up; then a hundred questions.
inline weir::task<weir::result<>> ask_a_hundred(weir::address at) {
  weir::result<weir::stream> service = co_await weir::stream::connect(at);
  if (!service) co_return weir::fail(service.error());
  for (int number = 0; number < 100;) {
    const std::string question = std::to_string(number) + "\n";
    weir::transfer asked = co_await service->write_all(std::as_bytes(std::span(question)));
    weir::result<weir::lease> said = co_await service->read();
    if (!asked || !said || said->empty()) co_return weir::fail(weir::errc::end_of_stream, "ask");
    const std::string_view reply(reinterpret_cast<const char*>(said->data()), said->size());
    if (reply == std::to_string(number * 2) + "\n")
      ++number;
    else if (!reply.starts_with("error: connect"))
      co_return weir::fail(weir::errc::protocol, "a wrong answer");
  }
  co_return weir::result<>();
}

/// `serve(address, connection string)` beside its client and its database. 77, skipped, without PostgreSQL.
template <class Serve>
int self_test(Serve serve) {
  using namespace std::chrono_literals;
  if (!temporary_postgres::is_installed()) return 77;
  auto loop = weir::loop::create();
  if (!loop) return 1;
  auto main = [&]() -> weir::task<weir::result<>> {
    temporary_postgres server;
    const auto at = weir::address::unix_abstract("weir-query-" + std::to_string(::getpid())).value();
    weir::result<> outcome = co_await server.start();
    if (outcome) {
      auto ended = co_await weir::when_any(serve(at, server.connection_string()),
                                           weir::with_deadline(40s, ask_a_hundred(at)));
      outcome = ended.first == 0 ? std::get<0>(ended.values) : std::get<1>(ended.values);
    }
    co_await server.stop();
    co_return outcome;
  };
  const weir::result<> outcome = weir::run(**loop, main());
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
