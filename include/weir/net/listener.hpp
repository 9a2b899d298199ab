// listener: a socket that accepts streams, TCP or unix-domain.
//
// An accept is always pending. Bound: connections that nobody took yet are at most `accepted_max`; then
// accepting pauses and the kernel's backlog holds the rest. With `accepted_max` 0 one is accepted only while
// somebody waits for it, and none in advance: for who counts them (runtime/accept_gate.hpp). Running out of
// descriptors is no error of the listener: it reports it, and goes on when asked again. Thread rule: the loop
// on which it was made. Cancel-safety: `accept` cancelled takes no connection; none is lost. Lifetime:
// movable; destroying it closes the listening socket, a turn or more later, and the connections that nobody
// took. A unix-domain path is removed by the listener that bound it.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>
#include <weir/net/stream.hpp>
#include <weir/net/stream_options.hpp>

#include <memory>

namespace weir {

class listener {
 public:
  listener() = default;
  listener(listener&&) = default;
  listener& operator=(listener&&) = default;

  static result<listener> bind(const address& at, const listen_options& options = listen_options{});

  /// The socket of `bind` by itself, on no loop: to be passed on to other processes.
  static result<descriptor> open(const address& at, const listen_options& options = listen_options{});
  /// Takes over a stream socket that listens, such as one that another process passed on. Others may share
  /// it. Of `options` counts `accepted_max`.
  static result<listener> adopt(descriptor socket, const listen_options& options = listen_options{});

  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// The next connection, as a stream that already receives. After `stop`, and when none is left,
  /// errc::closed.
  task<result<stream>> accept(stream_options options = stream_options{});

  /// The same as it comes from the system, for who serves it elsewhere. Non-blocking, close-on-exec.
  task<result<descriptor>> accept_descriptor();

  /// Takes no more connections than those that are in the backlog, up to `accepted_max`, and closes the
  /// socket: who comes later is for those that share it, else refused.
  void stop() noexcept;

  /// Closes it as its destruction does, and waits until that has happened, cancelled or not: its address is
  /// free then. From the call on the listener is empty.
  task<> close();

  /// With the port that the system chose.
  const address& local_address() const noexcept;
  int native_handle() const noexcept;

 private:
  class core;
  struct abandon {
    void operator()(core* orphan) const noexcept;
  };
  explicit listener(core* made) noexcept : core_(made) {}

  std::unique_ptr<core, abandon> core_;
};

using tcp_listener = listener;
using unix_listener = listener;

} // namespace weir
