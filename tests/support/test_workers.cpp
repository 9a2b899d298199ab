#include <weir/async/run.hpp>
#include <weir/async/shield.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/worker.hpp>

#include <gtest/gtest.h>
#include <support/test_workers.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>

namespace weir::test {
namespace {

constexpr const char* kind_variable = "WEIR_TEST_WORKER";

/// Without its newline; empty at the end.
task<std::string> read_line(stream& from) {
  std::string line;
  char next = 0;
  bool goes_on = true;
  while (goes_on && next != '\n') {
    result<std::size_t> got = co_await from.read_some(std::as_writable_bytes(std::span(&next, 1)));
    goes_on = got.value_or(0) == 1;
    if (goes_on && next != '\n') line += next;
  }
  co_return line;
}

task<result<>> write_line(stream& to, std::string line) {
  line += '\n';
  transfer sent = co_await to.write_all(std::as_bytes(std::span(line)));
  if (!sent) co_return fail(sent.error());
  co_return result<>();
}

// --- the worker's side ---

std::string descriptors_of_this_process() {
  std::string text;
  std::error_code gone; // the directory's own descriptor
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    text += std::filesystem::read_symlink(entry.path(), gone).string() + " ";
  return text;
}

std::string act_on(const std::string& words, cancellation& all) {
  if (words == "die") ::raise(SIGSEGV);
  while (words == "hang") ::pause();
  if (words == "leave") all.request();
  return words == "descriptors" ? descriptors_of_this_process() : words;
}

task<result<>> talk_with(stream client, cancellation& all) {
  result<> written = co_await write_line(client, std::to_string(::getpid()));
  while (written) {
    const std::string words = co_await read_line(client);
    if (words.empty()) break;
    written = co_await write_line(client, act_on(words, all));
  }
  co_return written;
}

task<result<>> long_nap() {
  result<> slept = co_await sleep_for(1h);
  co_return slept;
}

task<result<>> serve_as(worker& me, std::string kind) {
  if (kind == "fails") ::_exit(3);
  if (kind == "never_ready") co_return co_await long_nap();
  result<listener*> door = me.door("echo");
  if (!door) co_return fail(door.error());
  if (result<> told = me.ready(); !told) co_return told;
  auto admit = [&](nursery& clients) -> task<result<>> {
    const bool is_slow = kind == "slow" && clients.try_spawn(long_nap());
    EXPECT_EQ(is_slow, kind == "slow");
    for (;;) {
      result<stream> client = co_await (*door)->accept();
      if (!client && client.error() == errc::closed) break;
      if (!client) co_return fail(client.error());
      result<> spawned = co_await clients.spawn(talk_with(std::move(*client), clients.scope()));
      if (!spawned) co_return spawned;
    }
    co_return result<>();
  };
  result<> served = co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
  if (kind == "stubborn") served = co_await shield(long_nap());
  co_return served;
}

int work(const std::string& kind) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::signal(SIGSEGV, SIG_DFL); // not the sanitizers'
  std::signal(SIGABRT, SIG_DFL);
  result<std::unique_ptr<worker>> me = worker::adopt();
  auto on = loop::create();
  return me && on && run(**on, (*me)->run(serve_as(**me, kind))) ? 0 : 1;
}

/// Turns the program into a worker before its first test.
class worker_environment : public testing::Environment {
 public:
  void SetUp() override {
    const char* const kind = std::getenv(kind_variable);
    if (kind && worker::is_one()) std::exit(work(kind));
  }
};
[[maybe_unused]] const testing::Environment* const registered =
    testing::AddGlobalTestEnvironment(new worker_environment);

} // namespace

// --- the clients' side ---

task<served_client> join_workers(address at) {
  served_client made;
  result<stream> connected = co_await stream::connect(at);
  if (!connected) co_return made;
  made.connection = std::move(*connected);
  const std::string id = co_await read_line(made.connection);
  made.process = std::atoi(id.c_str());
  co_return made;
}

task<std::string> served_client::ask(std::string words) {
  result<> sent = co_await write_line(connection, std::move(words));
  if (!sent) co_return std::string();
  co_return co_await read_line(connection);
}

// --- the master's side ---

master_options workers_of(const std::string& kind, unsigned count, backend of_loops) {
  master_options options;
  options.workers = count;
  options.sockets.emplace_back("echo", *address::ip("127.0.0.1", 0));
  command program(std::filesystem::read_symlink("/proc/self/exe").string(), {"--gtest_brief=1"});
  program.environment.emplace();
  for (char** each = environ; *each; ++each) program.environment->emplace_back(*each);
  program.environment->push_back(std::string(kind_variable) + "=" + kind);
  program.environment->push_back("WEIR_BACKEND=" + std::string(name_of(of_loops)));
  program.output = redirection::nothing();
  options.program = program;
  return options;
}

void master_fixture::create(master_options options) {
  workers_ = options.workers;
  news_ = std::make_unique<event>(event_reset::manual);
  options.on_event = [this](const worker_event& what) {
    told_.push_back(what);
    news_->set();
  };
  result<std::unique_ptr<master>> made = master::create(std::move(options));
  ASSERT_TRUE(made) << made.error().message();
  boss_ = std::move(*made);
}

task<result<>> master_fixture::run_master() {
  result<> outcome = co_await boss_->run();
  has_ended_ = true;
  news_->set();
  co_return outcome;
}

void master_fixture::TearDown() {
  if (HasFailure()) std::printf("%s", all_told().c_str());
  boss_.reset();
  backend_test::TearDown();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a worker is left";
}

std::size_t master_fixture::count(worker_event_kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(told_, kind, &worker_event::kind));
}

const worker_event& master_fixture::last(worker_event_kind kind) const {
  static const worker_event none(worker_event_kind::started);
  const worker_event* found = &none;
  for (const worker_event& each : told_)
    if (each.kind == kind) found = &each;
  return *found;
}

task<> master_fixture::wait_for(worker_event_kind kind, std::size_t at_least) {
  bool goes_on = true;
  while (goes_on && !has_ended_ && count(kind) < at_least) {
    news_->reset();
    result<> woken = co_await news_->wait();
    goes_on = woken.has_value();
  }
}

std::string master_fixture::all_told() const {
  std::string text;
  for (const worker_event& each : told_) text += each.to_string() + "\n";
  return text;
}

} // namespace weir::test
