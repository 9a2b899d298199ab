// master: holds the listening sockets of a service and keeps worker processes that serve them:
//
//   master_options options;
//   options.sockets.emplace_back("http", *address::parse_ip("*:80"));
//   options.workers = 4;
//   result<std::unique_ptr<master>> boss = master::create(options); // binds, or takes what systemd passed
//   …  drop_privileges(…), loop::create() …
//   result<> ended = run(*loop, (*boss)->run());
//
// A worker is this program once more, started by posix_spawn(3) (worker.hpp has its side). Not by fork alone:
// a child of a process that has threads or a ring may only call what is safe in a signal handler; one that
// begins anew inherits no lock, no heap, no ring, no descriptor but those that it is meant to have, and a
// reload runs the program and the configuration that are there then.
//
// A worker that ends unasked is replaced: at once, then with delays while replacements fail young, until too
// many fail and the master gives up. SIGTERM or SIGINT: the workers drain, and `run` returns. SIGQUIT: they
// are killed. SIGHUP: new workers are started, and when all are ready the old ones drain; if one of them
// fails, none stays and the old ones go on. The sockets are never closed meanwhile: no client is refused.
// The service manager is told of all this where there is one (systemd_notifier.hpp). A master that is killed
// leaves workers that drain by themselves.
//
// Thread rule: `create` first thing in main, before threads; the rest on the loop's thread. Lifetime:
// outlives `run`. Cancel-safety: `run` cancelled kills its workers. Bound: at most twice the workers, during
// a reload; a further reload waits until the old workers have gone.
#pragma once

#include <weir/async/channel.hpp>
#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/runtime/master_options.hpp>
#include <weir/runtime/systemd_notifier.hpp>
#include <weir/runtime/systemd_sockets.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace weir {

class worker_generation;
class worker_restarts;

class master {
 public:
  /// Opens the sockets; an error names the one that cannot be. Sockets that systemd passed are taken by
  /// name; one that nobody wants is an error.
  static result<std::unique_ptr<master>> create(master_options options);
  ~master();
  master(const master&) = delete;
  master& operator=(const master&) = delete;

  /// Where a socket listens, with the port that the system chose.
  result<address> local_address(std::string_view socket_name) const;

  /// Until the workers have ended: by `drain` or `quit`. An error: they could not be started, or failed too
  /// often.
  task<result<>> run();

  // As the signals do, and like them without effect before `run`. On the loop's thread.
  void reload() noexcept;
  void drain() noexcept;
  void quit() noexcept;

  std::size_t workers_ready() const noexcept;

 private:
  struct held_socket {
    explicit held_socket(const worker_socket& which) : name(which.name) {}

    std::string name;
    std::vector<descriptor> sockets; ///< one, or one for each worker
    std::string path;                ///< to be removed at the end
  };
  enum class wish : std::uint8_t { serve, drain, quit };
  struct news {
    enum class kind : std::uint8_t { ready, reloading, stopping } what = kind::ready;
    std::string status;
  };

  explicit master(master_options options);
  result<> open_sockets(std::vector<named_socket> passed);
  result<> open_socket(const worker_socket& wanted, std::vector<named_socket>& passed);

  task<result<>> govern(nursery& crew, signal_set& signals);
  task<result<>> obey(signal_set& signals);
  task<result<>> tell_manager();
  task<result<>> tell_manager_alive();

  void step(nursery& crew);
  void settle_incoming();
  void end_all() noexcept;
  void give_up(error why);
  void begin_generation(nursery& crew);
  bool has_ended() const noexcept;
  void ask(wish what) noexcept;
  void report(worker_event_kind kind, std::optional<error> why = std::nullopt);
  void tell(news::kind what, std::string status) noexcept;

  master_options options_;
  command program_;
  std::vector<held_socket> sockets_;
  std::function<std::vector<int>(unsigned number)> sockets_of_;
  systemd_notifier manager_;
  channel<news> news_{channel_options(16)};

  std::unique_ptr<worker_restarts> restarts_;
  std::unique_ptr<worker_generation> incoming_; ///< not ready yet
  std::unique_ptr<worker_generation> current_;
  std::unique_ptr<worker_generation> outgoing_; ///< draining
  event changed_{event_reset::manual};
  wish wish_ = wish::serve;
  bool is_reload_wanted_ = false;
  std::optional<error> failure_;
};

} // namespace weir
