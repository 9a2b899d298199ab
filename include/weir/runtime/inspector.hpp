// inspector: answers questions about a running process on a local socket, to those who may open it (the
// socket's mode is 0600 from the first moment):
//
//   GET /metrics    prometheus_text()        GET /snapshot   metrics_json()        GET /dump   dump_all()
//
// in HTTP/1.0, so that `curl --unix-socket PATH http://weir/metrics` reads it, and `weir top PATH`.
//
// It has a thread of its own and no loop, because it has to answer when loops are stuck. One connection is
// served at a time, the others wait in the backlog (16). Who does not ask within a second, or does not take
// the answer within five, is disconnected. Nothing can be changed through it.
//
// Thread rule: made and destroyed on any thread. Lifetime: not longer than the registry. A path that nobody
// listens on is replaced; one that somebody listens on is an error. The path is removed at the end.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/runtime/metrics_registry.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace weir {

class inspector {
 public:
  static result<std::unique_ptr<inspector>> open(std::string path,
                                                 metrics_registry& loops = metrics_registry::of_process());
  ~inspector();
  inspector(const inspector&) = delete;
  inspector& operator=(const inspector&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  inspector(std::string path, metrics_registry& loops, descriptor listener, descriptor ending);

  void serve();
  void serve_one(int client);
  bool wait_for(int client, short events, std::uint64_t until_ns);
  std::string read_question(int client);
  std::string answer(std::string_view question);
  void write_answer(int client, std::string_view text);

  std::string path_;
  metrics_registry& loops_;
  descriptor listener_;
  descriptor ending_; ///< an eventfd: readable when the thread is to end
  std::thread thread_;
};

} // namespace weir
