// The desk of a resolver: who waits for what. A question stands for all lookups of one name and family; it
// waits in line until `queries_max` allows, is asked once, and its answer goes to all who wait and into the
// cache. Shared by the resolver and the lookups under way; after `close` there is nothing to ask any more.
#pragma once

#include "resolver_cache.hpp"
#include "resolver_channel.hpp"
#include "resolver_hosts.hpp"

#include <weir/async/waiter.hpp>
#include <weir/net/resolver.hpp>

#include <memory>
#include <string>
#include <unordered_map>

namespace weir {

class resolver::core {
 public:
  core(resolver_options with, std::unique_ptr<resolver_channel> channel, std::unique_ptr<hosts_table> hosts);

  /// Ends all questions with errc::closed.
  void close() noexcept;

  /// From the cache, or by a question. AF_UNSPEC: the name of `of`.
  static task<shared_answer> answer(std::shared_ptr<core> self, std::string host, int family, address of);
  /// Reads the hosts file when that is due and nobody does it already.
  static task<> refresh_hosts(std::shared_ptr<core> self);

  const hosts_table& hosts() const noexcept { return *hosts_; }

  resolver_options options;
  resolver_counters counters;
  std::size_t in_flight = 0;
  std::size_t queued = 0;

 private:
  class answer_awaiter;
  struct question : channel_question, list_hook<> {
    question(core& of_core, std::string with_key, std::string of_host, int of_family,
             const address& of_address)
        : channel_question(&question::answered, std::move(of_host), of_family, of_address), owner(of_core),
          key(std::move(with_key)) {}
    static void answered(channel_question& self, name_answer&& answer) noexcept;

    core& owner;
    std::string key;
    std::shared_ptr<name_answer> outcome =
        std::make_shared<name_answer>(); ///< made early: telling must not fail
    intrusive_list<answer_awaiter, waiter> waiting;
  };

  question& question_for(const std::string& key, std::string host, int family, const address& of);
  void start_questions() noexcept;
  void end_question(question& ended) noexcept;
  void drop_if_unwanted(const std::string& key) noexcept;
  void keep(const std::string& key, const shared_answer& answer) noexcept;

  loop& home_;
  std::unique_ptr<resolver_channel> channel_;
  std::unique_ptr<hosts_table> hosts_;
  std::uint64_t hosts_read_ns_;
  bool is_reading_hosts_ = false;
  resolver_cache cache_;
  std::unordered_map<std::string, std::unique_ptr<question>> questions_;
  intrusive_list<question> line_; ///< those that have not begun
};

/// Of two lookups that failed, the one that says more: what may pass with time, then "no such name".
const error& worse_of(const error& one, const error& other) noexcept;

} // namespace weir
