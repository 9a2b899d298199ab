// master_options: which sockets a master holds, which workers it starts, and how long it waits for what.
#pragma once

#include <weir/net/address.hpp>
#include <weir/net/stream_options.hpp>
#include <weir/os/process.hpp>
#include <weir/runtime/worker_event.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// How connections come to workers.
enum class worker_placement : std::uint8_t {
  shared, ///< all accept from one socket: whoever is free takes the next, and none waits for a dead worker
  reuse_port, ///< a socket each (SO_REUSEPORT): the kernel spreads evenly; what came to the socket of a
              ///< worker that died waits for its replacement
};

struct worker_socket {
  worker_socket(std::string its_name, const address& where, const listen_options& with = listen_options{})
      : name(std::move(its_name)), at(where), options(with) {}

  std::string name; ///< for worker::door, and for systemd's FileDescriptorName=; without a colon
  address at;
  listen_options options;
};

struct master_options {
  master_options() = default;

  std::vector<worker_socket> sockets;
  worker_placement placement = worker_placement::shared;
  unsigned workers = 1;
  /// What a worker runs; without it, this program with this process's arguments. A `passed` is not looked at.
  std::optional<command> program;

  std::chrono::milliseconds ready_within{10'000}; ///< else the worker is killed
  std::chrono::milliseconds silence_max{30'000};  ///< a worker whose loop does not turn for so long is
                                                  ///< aborted (SIGABRT, for its core); 0: never
  std::chrono::milliseconds drain_within{30'000}; ///< then it ends what it still does
  std::chrono::milliseconds end_within{5'000};    ///< and then it is killed

  std::chrono::milliseconds restart_delay{100}; ///< ceiling of the first wait when a replacement fails
                                                ///< young; doubles. The first replacement does not wait
  std::chrono::milliseconds restart_delay_max{10'000};
  std::chrono::milliseconds young{10'000};           ///< who lives longer than that has not failed young
  unsigned restarts_max = 20;                        ///< failures of all workers together within
  std::chrono::milliseconds restarts_within{60'000}; ///< so much time; one more, and the master gives up

  /// Must not throw. From the loop's thread.
  std::function<void(const worker_event&)> on_event = report_worker_event;
};

} // namespace weir
