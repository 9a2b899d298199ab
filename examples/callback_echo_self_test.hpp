// The client that callback_echo tests itself with: says something, hears it again, and is closed.
#pragma once

#include <weir/async/completion_slot.hpp>
#include <weir/net/stream.hpp>

#include <functional>
#include <string>

class self_test {
 public:
  explicit self_test(weir::loop& on) : next_(on) {}

  void begin(const weir::address& at, std::function<void()> then) {
    then_ = std::move(then);
    next_.start([at] { return weir::stream::connect(at); },
                [this](weir::result<weir::stream> server) {
                  if (!server) return then_();
                  server_ = std::move(*server);
                  say();
                });
  }
  bool is_answered() const { return is_answered_; }

 private:
  void say() {
    next_.start([this] { return server_.write_all(std::as_bytes(std::span(said_))); },
                [this](weir::transfer sent) { sent ? hear() : then_(); });
  }
  void hear() {
    next_.start([this] { return server_.read_exactly(std::as_writable_bytes(std::span(heard_))); },
                [this](weir::transfer whole) {
                  is_answered_ = whole && heard_ == said_;
                  leave();
                });
  }
  void leave() {
    next_.start([this] { return server_.shutdown(); }, [this](weir::result<>) { wait_for_the_end(); });
  }
  void wait_for_the_end() {
    next_.start([this] { return server_.read(); },
                [this](weir::result<weir::lease> end) {
                  is_answered_ = is_answered_ && end && end->empty();
                  then_();
                });
  }

  weir::stream server_;
  weir::completion_slot next_;
  std::function<void()> then_;
  std::string said_ = std::string(1 << 20, 'w');
  std::string heard_ = std::string(1 << 20, ' ');
  bool is_answered_ = false;
};
