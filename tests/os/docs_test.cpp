// The examples of docs/os.md, as they stand there.
#include <weir/os/file_watch.hpp>
#include <weir/os/process.hpp>
#include <weir/os/readiness.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/os/watch.hpp>

#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace weir::test {
namespace {

/// A library with a descriptor and a step that does not block.
class foreign_client {
 public:
  explicit foreign_client(int number) : number_(number) {}
  int socket() const { return number_; }
  bool step() { return ::read(number_, bytes_.data(), bytes_.size()) < 0 && errno == EAGAIN; }

 private:
  int number_;
  std::array<char, 100> bytes_{};
};

// [readiness]
task<result<>> carry_out(foreign_client& client) {
  while (client.step()) { // wants more
    result<> woken = co_await with_deadline(5s, readable(client.socket()));
    if (!woken) co_return woken;
  }
  co_return result<>();
}

// [watch]
struct client_on_loop {
  explicit client_on_loop(foreign_client& of)
      : client(of), socket(of.socket(), readiness::readable, step, this) {}

  static void step(void* self, readiness) noexcept {
    auto& me = *static_cast<client_on_loop*>(self);
    if (!me.client.step()) me.socket.set_interest(readiness::none); // done
  }

  foreign_client& client;
  watch socket;
};

// [signals]
task<result<int>> until_asked_to_end() {
  result<signal_set> wanted = signal_set::open({SIGINT, SIGTERM});
  if (!wanted) co_return fail(wanted.error());
  result<signal_notice> told = co_await wanted->next();
  if (!told) co_return fail(told.error());
  co_return told->number;
}

// [process]
task<result<std::string>> first_line_of(command what) {
  what.output = redirection::pipe();
  result<process> child = process::spawn(what);
  if (!child) co_return fail(child.error()); // "spawn nothing: No such file or directory"
  std::array<std::byte, 100> bytes;
  result<std::size_t> got = co_await child->output().read_some(bytes);
  if (!got) co_return fail(got.error());
  co_return std::string(reinterpret_cast<const char*>(bytes.data()), *got); // and ends the child if it runs
}

// [file_watch]
task<result<>> until_written(std::string directory, std::string name) {
  result<file_watch> changes = file_watch::open();
  if (!changes) co_return fail(changes.error());
  if (result<int> added = changes->add(directory); !added) co_return fail(added.error());
  for (;;) {
    result<file_change> next = co_await changes->next();
    if (!next) co_return fail(next.error());
    bool may_be_it = next->kind == file_change_kind::written || next->kind == file_change_kind::moved_to;
    if (next->kind == file_change_kind::created) may_be_it = !file_watch::tells_each_change();
    if (may_be_it && next->name == name) co_return result<>();
  }
}

class docs_test : public backend_test {
 protected:
  /// Beside what waits for it.
  static task<> later(std::function<void()> act) {
    co_await turns(3);
    act();
  }
};

TEST_P(docs_test, readiness_and_watch) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    foreign_client client(pair.ours.get());
    auto [finished, sent] =
        co_await when_all(carry_out(client), later([&] { send_text(pair.theirs.get(), "x"); }));
    EXPECT_TRUE(finished);
    client_on_loop hung_on(client);
    send_text(pair.theirs.get(), "y");
    co_await until([&] { return unread_bytes(pair.ours.get()) == 0; });
  });
}

TEST_P(docs_test, signals) {
  run([&]() -> task<> {
    auto ask = [] { ::kill(::getpid(), SIGTERM); };
    auto [number, asked] = co_await when_all(until_asked_to_end(), later(ask));
    EXPECT_TRUE(number && *number == SIGTERM);
  });
}

TEST_P(docs_test, process) {
  run([&]() -> task<> {
    command echo("echo");
    echo.arguments = {"hello"};
    result<std::string> line = co_await first_line_of(echo);
    EXPECT_EQ(line.value(), "hello\n");
    result<std::string> none = co_await first_line_of(command("nothing"));
    EXPECT_EQ(none.error().message(), "spawn nothing: No such file or directory");
  });
}

TEST_P(docs_test, file_watch) {
  const std::string directory = testing::TempDir() + "weir_docs_" + std::to_string(::getpid());
  std::filesystem::create_directory(directory);
  run([&]() -> task<> {
    auto replace = [&] {
      std::ofstream(directory + "/wanted.new") << "content";
      std::filesystem::rename(directory + "/wanted.new", directory + "/wanted");
    };
    auto [written, done] = co_await when_all(until_written(directory, "wanted"), later(replace));
    EXPECT_TRUE(written);
  });
  std::filesystem::remove_all(directory);
}

INSTANTIATE_TEST_SUITE_P(backends, docs_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
