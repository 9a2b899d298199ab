// broker: a ROUTER and a DEALER, and every message that passes between them: `weir proxy` without its command
// line, signals and reports.
//
// Messages pass whole and untouched: the ROUTER puts the routing id of the client in front of a request, the
// DEALER hands it to a worker with all the rest, and the id brings the reply back. What cannot be passed on
// waits: at a full queue the direction stands still until that peer takes something or leaves, its source
// fills up to its bounds, and TCP stops the senders. Nothing is dropped but replies to clients that are gone.
// Bounds: proxy_options. Thread rule and lifetime: made on a loop, closed before it is destroyed
// (socket.hpp).
#pragma once

#include "proxy_options.hpp"

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::app {

/// What was passed on in one direction.
struct traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0; ///< of all frames, routing ids included
};

struct broker_totals {
  traffic requests; ///< frontend to backend
  traffic replies;  ///< backend to frontend
  std::uint64_t dropped = 0;
  std::size_t frontend_peers = 0;
  std::size_t backend_peers = 0;
  std::size_t memory_bytes = 0; ///< of the buffer pools: those in use
};

/// What went wrong with peers since somebody asked, without a line for each: hostile ones are many.
struct broker_troubles {
  std::uint64_t count = 0;
  std::string latest;
};

class broker {
 public:
  explicit broker(const proxy_options& options);

  /// Listens and connects everywhere. An error names the endpoint; `close` is due all the same.
  result<> open();
  const std::vector<std::string>& frontend_endpoints() const noexcept { return frontend_endpoints_; }
  const std::vector<std::string>& backend_endpoints() const noexcept { return backend_endpoints_; }

  /// Passes messages on, both ways, until cancelled.
  task<result<>> forward();

  /// No connection is accepted any more; those that stand are served. Troubles are not kept from here on.
  void refuse_newcomers();
  /// Waits until no message has come for a while, none is under way, and as many replies as requests have
  /// passed: as far as a broker can know it, everybody has got what they asked for.
  task<result<>> settled();

  /// Messages that were received and will not be passed on. To be called when `forward` has ended.
  std::uint64_t count_left_behind();
  /// Sends what is unsent, as long as it takes, and ends all connections. Cancelled, it drops what is unsent.
  task<result<>> close();

  broker_totals totals() const;
  broker_troubles take_troubles() { return std::exchange(troubles_, broker_troubles{}); }

 private:
  task<result<>> pass_on(zmtp::socket& from, zmtp::socket& to, traffic& passed);
  result<> attach(zmtp::socket& socket, const proxy_endpoint& where, std::vector<std::string>& names);
  void note(const zmtp::socket_event& what) noexcept;
  zmtp::socket_options socket_options();
  zmtp::socket_options frontend_options();
  bool is_idle() const noexcept;
  std::uint64_t received() const noexcept;

  const proxy_options& options_;
  loop& home_;
  zmtp::router frontend_;
  zmtp::dealer backend_;
  std::vector<std::string> frontend_endpoints_; ///< what was bound, with the ports that the system chose
  std::vector<std::string> backend_endpoints_;
  traffic requests_;
  traffic replies_;
  broker_troubles troubles_;
  bool refuses_newcomers_ = false;
};

} // namespace weir::app
