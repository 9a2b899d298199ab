// `callback_echo ADDRESS:PORT`: without a coroutine; functions are called when something has happened.
#include "callback_echo_self_test.hpp"

#include <weir/async/completion_slot.hpp>
#include <weir/io/callbacks.hpp>
#include <weir/net/listener.hpp>

using namespace weir;

class server {
 public:
  explicit server(loop& on) : loop_(on), arrival_(on) {}
  result<address> listen(const address& at) {
    result<listener> bound = listener::bind(at);
    if (!bound) return fail(bound.error());
    door_ = std::move(*bound);
    accept();
    return door_.local_address();
  }
  void stop() { arrival_.cancel(); } // who is served goes on

 private:
  class session { // ends itself
   public:
    session(server& of, stream client) : home_(of), client_(std::move(client)), next_(of.loop_) { read(); }

   private:
    void read() {
      auto received = [this](result<lease> bytes) {
        if (!bytes || bytes->empty()) return close();
        echo(std::move(*bytes));
      };
      next_.start([this] { return client_.read(); }, received);
    }
    void echo(lease bytes) { // waits while the client does not read; nothing is read meanwhile
      auto write = [this, kept = std::move(bytes)]() mutable { return client_.write(std::move(kept)); };
      next_.start(std::move(write), [this](result<> sent) { sent ? read() : close(); });
    }
    void close() {
      next_.start([this] { return client_.close(); }, [this](result<>) { home_.ended(), delete this; });
    }
    server& home_;
    stream client_;
    completion_slot next_;
  };
  void accept() {
    ++busy_;
    auto arrived = [this](result<stream> client) {
      if (!client) return ended(); // told to stop, or nothing is left to accept with
      new session(*this, std::move(*client));
      accept();
    };
    arrival_.start([this] { return door_.accept(); }, arrived);
  }
  void ended() {
    if (--busy_ == 0) loop_.stop();
  }
  loop& loop_;
  listener door_;
  completion_slot arrival_;
  int busy_ = 0; ///< sessions, and the one that is waited for
};

int main(int argc, char** argv) {
  const bool is_test = argc > 1 && std::string_view(argv[1]) == "--self-test";
  const auto at = address::parse_ip(argc > 1 && !is_test ? argv[1] : "127.0.0.1:0");
  auto loop = loop::create();
  if (!loop || !at) return 1;
  server echoes(**loop);
  self_test client(**loop);
  function_work begin([&] { // in a turn of the loop, where listeners and streams are made
    auto here = echoes.listen(*at);
    if (!here) return (*loop)->stop();
    if (is_test) client.begin(*here, [&] { echoes.stop(); });
  });
  (*loop)->defer(begin);
  (*loop)->run();
  return is_test && !client.is_answered() ? 1 : 0;
}
