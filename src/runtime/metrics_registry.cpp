#include <weir/runtime/metrics_registry.hpp>

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

namespace weir {

metrics_registry& metrics_registry::of_process() {
  static metrics_registry all;
  return all;
}

// --- membership ---

metrics_registry::member::attention::attention(member& of) noexcept
    : work([](work& self) noexcept {
        member& which = static_cast<attention&>(self).owner;
        which.registry_.attend(which);
      }),
      owner(of) {}

metrics_registry::member::member(metrics_registry& of, loop& which, std::string called)
    : name(std::move(called)), backend(which.backend().name()), home(&which), thread(::pthread_self()),
      thread_id(::gettid()), registry_(of), visited_(which), attention_(*this) {}

metrics_registry::membership::membership(loop& home, std::string name, metrics_registry& in)
    : registry_(in), home_(home) {
  const std::lock_guard lock(in.mutex_);
  const auto is_taken = [&](const std::string& wanted) {
    return std::ranges::any_of(in.members_, [&](const auto& each) { return each->name == wanted; });
  };
  std::string unique = name;
  for (unsigned number = 2; is_taken(unique); ++number) unique = name + "-" + std::to_string(number);
  member_ = std::make_shared<member>(in, home, std::move(unique));
  const auto place = std::ranges::upper_bound(in.members_, member_->name, {}, &member::name);
  in.members_.insert(place, member_);
  home.on_attention(&member_->attention_);
}

/// Whoever asked and got no answer yet gets it here: the loop may not turn again.
metrics_registry::membership::~membership() {
  std::unique_lock lock(registry_.mutex_);
  registry_.run_visit(lock, *member_);
  std::erase(registry_.members_, member_);
  home_.on_attention(nullptr);
  lock.unlock();
  registry_.changed_.notify_all();
}

// --- looking ---

void metrics_registry::for_each(const std::function<void(const member&)>& look) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : members_) look(*each);
}

void metrics_registry::attend(member& which) noexcept {
  std::unique_lock lock(mutex_);
  run_visit(lock, which);
}

/// On the thread of that loop.
void metrics_registry::run_visit(std::unique_lock<std::mutex>& lock, member& which) noexcept {
  const visitor* const look = std::exchange(which.asked_, nullptr);
  if (!look) return;
  which.is_running_ = true;
  lock.unlock();
  try {
    (*look)(which, which.visited_);
  } catch (const std::exception&) { // out of memory: then this loop has nothing to say
  }
  lock.lock();
  which.is_running_ = false;
  changed_.notify_all();
}

std::vector<std::string> metrics_registry::visit_all(const std::function<void(const member&, loop&)>& look,
                                                     std::chrono::nanoseconds patience) {
  const std::lock_guard one_at_a_time(visiting_);
  std::unique_lock lock(mutex_);
  const std::vector<std::shared_ptr<member>> asked = members_;
  std::shared_ptr<member> here;
  for (const auto& each : asked) {
    each->asked_ = &look;
    if (&each->visited_ == loop::current())
      here = each;
    else
      each->visited_.ask_attention();
  }
  if (here) run_visit(lock, *here);
  const auto all_answered = [&] {
    return std::ranges::none_of(asked, [](const auto& each) { return each->asked_ || each->is_running_; });
  };
  std::vector<std::string> silent;
  if (changed_.wait_for(lock, patience, all_answered)) return silent;
  for (const auto& each : asked)
    if (std::exchange(each->asked_, nullptr)) silent.push_back(each->name);
  changed_.wait(lock, all_answered); // those that have begun end soon
  return silent;
}

} // namespace weir
