// proxy: a ROUTER, a DEALER, and every message that passes between them: the shared queue that libzmq runs as
// zmq_proxy(3). Clients ask at the frontend, workers answer at the backend, and neither knows the other.
//
//   zmtp::proxy between;
//   result<std::string> front = between.frontend().bind("tcp://*:5555");
//   result<std::string> back = between.backend().bind("tcp://*:5556");
//   result<> outcome = co_await between.forward(); // until it is cancelled
//   outcome = co_await shield(between.close());
//
// Messages pass whole and untouched: the ROUTER puts the routing id of the client in front of a request, the
// DEALER hands it to a worker with all the rest, and the id brings the reply back. So workers are REP, DEALER
// or ROUTER sockets. Requests of a client that go to the same worker keep their order, and so do the replies
// of a worker to a client.
//
// Bounds: what was received and not passed on stays within the receive memory of the loop
// (loop_options::buffers), and requests leave some of it to replies (proxy_memory.hpp); what is to be sent,
// within the bounds of each peer (socket_options). What cannot be passed on waits: at a full queue that
// direction stands still until that peer takes something or leaves, its sources fill up to their bounds, and
// TCP stops the senders. Nothing is dropped but replies to clients that are gone.
// Thread rule: the loop's thread. Lifetime: made on a loop, stays where it is, closed before it is destroyed
// (asserted). Cancel-safety: a `forward` that is cancelled may lose the message in its hand, one each way.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>
#include <weir/zmtp/socket_options.hpp>

#include <cstdint>

namespace weir::zmtp {

struct proxy_options {
  proxy_options() {}

  socket_options frontend; ///< of the ROUTER. Its credit and `connections_max` are lowered as memory demands
  socket_options backend;  ///< of the DEALER
};

/// What was passed on in one direction.
struct proxy_traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0; ///< of all frames, routing ids included
};

class proxy {
 public:
  explicit proxy(proxy_options options = proxy_options());
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  /// To bind and to connect, and to ask for counters. Their messages are the proxy's.
  router& frontend() noexcept { return frontend_; }
  dealer& backend() noexcept { return backend_; }
  const router& frontend() const noexcept { return frontend_; }
  const dealer& backend() const noexcept { return backend_; }

  /// Passes messages on, both ways, until it is cancelled. Once at a time.
  task<result<>> forward();

  // Its end, in this order; each may be left out but the last.
  /// No connection is accepted any more; those that stand are served.
  void stop_accepting() noexcept;
  /// Waits, while `forward` goes on, until no message has come for a while, none is under way, and as many
  /// replies as requests have passed: as far as a proxy can know it, everybody has got what they asked for.
  /// Where messages are not answered one by one that may never be: give it a deadline.
  task<result<>> settled();
  /// Takes what was received and will not be passed on, and counts it. To be called when `forward` has ended.
  std::uint64_t take_left_behind();
  /// Sends what is unsent, as long as the sockets linger, and ends all connections. Cancelled, it drops what
  /// is unsent.
  task<result<>> close();

  const proxy_traffic& requests() const noexcept { return requests_; } ///< frontend to backend
  const proxy_traffic& replies() const noexcept { return replies_; }   ///< backend to frontend

 private:
  static task<result<>> pass_on(socket& from, socket& to, proxy_traffic& passed);
  bool is_idle() const noexcept;
  std::uint64_t received() const noexcept;

  router frontend_;
  dealer backend_;
  proxy_traffic requests_;
  proxy_traffic replies_;
};

} // namespace weir::zmtp
