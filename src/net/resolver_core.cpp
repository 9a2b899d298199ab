#include "resolver_core.hpp"

#include <weir/async/offload.hpp>

#include <algorithm>
#include <cassert>
#include <new>

namespace weir {

/// A lookup that waits for a question.
class [[nodiscard]] resolver::core::answer_awaiter : public waiter {
 public:
  answer_awaiter(core& desk, question& awaited) noexcept
      : waiter("resolve"), desk_(desk), question_(awaited) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    if (!enter(awaiting)) return false;
    question_.waiting.push_back(*this);
    wait();
    desk_.start_questions(); // may answer, which wakes this later
    return true;
  }
  shared_answer await_resume() noexcept { return std::move(answer_); } ///< null: cancelled

  void wake_with_answer(shared_answer answer) noexcept {
    answer_ = std::move(answer);
    wake();
  }

 private:
  core& desk_;
  question& question_;
  shared_answer answer_;
};

resolver::core::core(resolver_options with, std::unique_ptr<resolver_channel> channel,
                     std::unique_ptr<hosts_table> hosts)
    : options(std::move(with)), home_(*loop::current()), channel_(std::move(channel)),
      hosts_(std::move(hosts)), hosts_read_ns_(home_.now_ns()),
      cache_(options.cache_entries_max, options.cache_bytes_max) {
  channel_->attach(home_, [](void* self) noexcept { static_cast<core*>(self)->start_questions(); }, this);
}

void resolver::core::close() noexcept {
  channel_.reset(); // those under way are told
  while (question* next = line_.front()) {
    name_answer closed;
    closed.failure = error(errc::closed, "resolve");
    question::answered(*next, std::move(closed));
  }
}

// --- questions ---

resolver::core::question& resolver::core::question_for(const std::string& key, std::string host, int family,
                                                       const address& of) {
  if (const auto known = questions_.find(key); known != questions_.end()) {
    ++counters.joined;
    return *known->second;
  }
  auto made = std::make_unique<question>(*this, key, std::move(host), family, of); // whole before it is found
  question& asked = *questions_.emplace(key, std::move(made)).first->second;
  line_.push_back(asked);
  ++queued;
  return asked;
}

void resolver::core::start_questions() noexcept {
  while (channel_ && in_flight < options.queries_max) {
    question* next = line_.pop_front();
    if (!next) return;
    --queued;
    if (next->waiting.empty()) { // its lookups were cancelled, and have not run since
      questions_.erase(questions_.find(next->key));
      continue;
    }
    ++in_flight;
    ++counters.questions;
    channel_->ask(*next);
  }
}

void resolver::core::question::answered(channel_question& self, name_answer&& answer) noexcept {
  auto& me = static_cast<question&>(self);
  core& desk = me.owner;
  if (me.is_linked()) {
    me.unlink();
    --desk.queued;
  } else {
    --desk.in_flight;
  }
  *me.outcome = std::move(answer);
  desk.end_question(me);
}

void resolver::core::end_question(question& ended) noexcept {
  const shared_answer answer = ended.outcome;
  keep(ended.key, answer);
  while (answer_awaiter* next = ended.waiting.front()) next->wake_with_answer(answer);
  questions_.erase(questions_.find(ended.key));
}

/// One that has begun goes on: c-ares cannot take it back, and its answer is worth keeping.
void resolver::core::drop_if_unwanted(const std::string& key) noexcept {
  const auto found = questions_.find(key);
  if (found == questions_.end()) return;
  question& unwanted = *found->second;
  if (!unwanted.is_linked() || !unwanted.waiting.empty()) return;
  unwanted.unlink();
  --queued;
  questions_.erase(found);
}

void resolver::core::keep(const std::string& key, const shared_answer& answer) noexcept {
  if (answer->failure && !answer->is_negative()) return;
  const std::chrono::seconds wanted = answer->failure ? options.negative_ttl : answer->ttl;
  const std::chrono::seconds ttl = std::min(wanted, options.ttl_max);
  if (ttl.count() <= 0) return;
  const auto ttl_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(ttl).count());
  try {
    cache_.keep(key, answer, home_.now_ns() + ttl_ns);
  } catch (const std::bad_alloc&) {
    // It is asked again next time.
  }
}

task<shared_answer> resolver::core::answer(std::shared_ptr<core> self, std::string host, int family,
                                           address of) {
  const std::string key = std::to_string(family) + " " + lower_case(host);
  if (shared_answer known = self->cache_.find(key, self->home_.now_ns())) {
    ++self->counters.from_cache;
    co_return known;
  }
  name_answer none;
  none.failure = error(errc::closed, "resolve").at(host);
  if (self->channel_) {
    question& asked = self->question_for(key, host, family, of);
    shared_answer told = co_await answer_awaiter(*self, asked);
    if (told) co_return told;
    self->drop_if_unwanted(key);
    none.failure = error(std::errc::operation_canceled, "resolve").at(host);
  }
  co_return std::make_shared<const name_answer>(std::move(none));
}

// --- the hosts file ---

task<> resolver::core::refresh_hosts(std::shared_ptr<core> self) {
  const auto age_ns = static_cast<std::int64_t>(self->home_.now_ns() - self->hosts_read_ns_);
  if (self->options.hosts_file.empty() || self->is_reading_hosts_) co_return;
  if (age_ns < self->options.hosts_refresh.count()) co_return;
  const struct reading {
    explicit reading(bool& marked) noexcept : is_under_way(marked) { is_under_way = true; }
    ~reading() { is_under_way = false; } // an exception too is an end
    bool& is_under_way;
  } until_the_end(self->is_reading_hosts_);
  auto read = [&known = *self] {
    return read_hosts(known.options.hosts_file, known.hosts_->stamp, known.options.hosts_bytes_max);
  };
  result<std::unique_ptr<hosts_table>> fresh = co_await offload(pool_class::disk, read);
  if (fresh || !fresh.error().is_cancelled()) self->hosts_read_ns_ = self->home_.now_ns();
  if (fresh && *fresh) self->hosts_ = std::move(*fresh); // else what was known still holds
}

const error& worse_of(const error& one, const error& other) noexcept {
  const auto rank = [](const error& why) {
    if (why == make_error_code(resolve_errc::no_data)) return 0;
    if (why == make_error_code(resolve_errc::name_not_found)) return 1;
    return 2;
  };
  return rank(other) > rank(one) ? other : one;
}

} // namespace weir
