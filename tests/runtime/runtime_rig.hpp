// Loops on threads of their own, for what looks at loops from outside.
#pragma once

#include <weir/async/run.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/metrics_registry.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace weir::test {

/// Longer than anything takes that is not stuck.
inline constexpr std::chrono::seconds long_enough{30};

inline std::unique_ptr<loop> make_loop(loop_options options = loop_options{}) {
  auto made = loop::create(options);
  if (!made) throw std::runtime_error(made.error().message());
  return std::move(*made);
}

/// A loop that runs on a thread of its own for as long as this lives, and is on a registry.
class running_loop {
 public:
  running_loop(std::string name, metrics_registry& registry, loop_options options = loop_options{}) {
    std::promise<loop*> made;
    thread_ = std::thread([&made, &registry, name = std::move(name), options] {
      const auto home = make_loop(options);
      const metrics_registry::membership shown(*home, name, registry);
      made.set_value(home.get());
      home->run();
    });
    home_ = made.get_future().get();
  }
  ~running_loop() {
    home_->stop();
    thread_.join();
  }
  running_loop(const running_loop&) = delete;
  running_loop& operator=(const running_loop&) = delete;

  /// Runs on the loop without waiting for it.
  void start(std::function<void()> body) const {
    auto* const item = new posted(std::move(body));
    EXPECT_TRUE(home_->post(*item));
  }
  /// The same, and waits until it is done.
  void call(std::function<void()> body) const {
    std::promise<void> done;
    start([&] {
      body();
      done.set_value();
    });
    done.get_future().wait();
  }
  loop& home() const { return *home_; }

 private:
  struct posted : work {
    explicit posted(std::function<void()> to_call)
        : work([](work& self) noexcept {
            const std::unique_ptr<posted> own(&static_cast<posted&>(self));
            own->body();
          }),
          body(std::move(to_call)) {}
    std::function<void()> body;
  };

  loop* home_ = nullptr;
  std::thread thread_;
};

} // namespace weir::test
