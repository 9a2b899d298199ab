// The examples of docs/callbacks.md, as they stand there: callbacks_page_test.py compares. Each is run here.
#include <weir/async/completion_slot.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/fs/file.hpp>
#include <weir/io/callbacks.hpp>
#include <weir/net/stream.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>

#include <array>
#include <optional>
#include <string>
#include <thread>

namespace weir::test {
namespace {

class pinger {
 public:
  explicit pinger(loop& on) : loop_(on) {}
  void begin() { loop_.arm(patience_, loop_.now_ns() + 1'000'000); }
  int pings() const { return pings_; }

 private:
  void expired() {
    if (++pings_ < 3) begin();
  }
  loop& loop_;
  int pings_ = 0;
  member_timer<&pinger::expired> patience_{*this};
};

class byte_counter {
 public:
  byte_counter(loop& on, int socket) : loop_(on), receiving_(*this, socket, std::span(buffer_)) {}
  void begin() { loop_.start(receiving_); }
  void end() { loop_.cancel(receiving_); } // `received` tells
  bool has_ended() const { return has_ended_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void received(completion&& what) {
    has_ended_ = what.result <= 0; // its end, or -errno
    if (has_ended_) return;
    bytes_ += static_cast<std::size_t>(what.result);
    begin();
  }
  loop& loop_;
  std::size_t bytes_ = 0;
  bool has_ended_ = false;
  std::array<std::byte, 4096> buffer_{};
  member_operation<receive_operation, &byte_counter::received> receiving_;
};

class asker {
 public:
  asker(loop& on, stream server) : server_(std::move(server)), next_(on) {}

  void ask(std::string question) {
    question_ = std::move(question);
    next_.start([this] { return server_.write_all(std::as_bytes(std::span(question_))); },
                [this](transfer sent) { sent ? hear() : ended(); });
  }
  const std::string& answer() const { return answer_; }

 private:
  void hear() {
    auto in_time = [this] { return with_deadline(5s, server_.read()); };
    next_.start(in_time, [this](result<lease> received) {
      if (received) answer_.assign(reinterpret_cast<const char*>(received->data()), received->size());
      ended();
    });
  }
  void ended() { server_ = stream(); }

  stream server_;
  completion_slot next_;
  std::string question_, answer_;
};

class first_bytes {
 public:
  explicit first_bytes(loop& on) : next_(on) {}
  void read(std::string path) {
    next_.start([path] { return fs::file::open(path); },
                [this](result<fs::file> opened) {
                  if (!opened) return;
                  file_ = std::move(*opened);
                  next_.start([this] { return file_.read_some_at(0, bytes_); },
                              [this](result<std::size_t> count) { count_ = count.value_or(0); });
                });
  }
  std::size_t count() const { return count_; }

 private:
  fs::file file_;
  std::array<std::byte, 16> bytes_{};
  std::size_t count_ = 0;
  completion_slot next_;
};

void run_until_told(loop& home, int& told) {
  function_work say([&] { // on the loop's thread
    ++told;
    home.stop();
  });
  std::jthread elsewhere([&] {
    while (!home.post(say)) std::this_thread::yield(); // false at the bound of the inbox
  });
  home.run();
}

class callbacks_docs_test : public backend_test {};

TEST_P(callbacks_docs_test, a_timer) {
  pinger pings(on());
  pings.begin();
  ASSERT_TRUE(wait_for([&] { return pings.pings() == 3; }));
}

TEST_P(callbacks_docs_test, an_operation) {
  connection pair = connect_pair(transport::tcp);
  byte_counter counter(on(), pair.ours.get());
  counter.begin();
  send_text(pair.theirs.get(), "hello");
  ASSERT_TRUE(wait_for([&] { return counter.bytes() == 5; }));
  counter.end();
  ASSERT_TRUE(wait_for([&] { return counter.has_ended(); }));
}

TEST_P(callbacks_docs_test, a_stream) {
  connection pair = connect_pair(transport::tcp);
  std::optional<asker> asks;
  function_work begin([&] {
    asks.emplace(on(), *stream::adopt(std::move(pair.ours)));
    asks->ask("who?");
  });
  on().defer(begin);
  send_text(pair.theirs.get(), "nobody");
  ASSERT_TRUE(wait_for([&] { return asks && asks->answer() == "nobody"; }));
}

TEST_P(callbacks_docs_test, a_file) {
  first_bytes reader(on());
  reader.read("/proc/self/exe");
  ASSERT_TRUE(wait_for([&] { return reader.count() == 16; }));
}

TEST_P(callbacks_docs_test, from_another_thread) {
  int told = 0;
  run_until_told(on(), told);
  EXPECT_EQ(told, 1);
}

INSTANTIATE_TEST_SUITE_P(backends, callbacks_docs_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
