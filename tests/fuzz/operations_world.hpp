// The world of operations_fuzzer.cpp: a loop, connections, and what must hold of them at the end.
#pragma once

#include "operations_rig.hpp"

#include <weir/io/descriptor.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace weir::fuzz {

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Within 5 s. The alarm by which libFuzzer watches over slow inputs interrupts a call now and then.
inline bool becomes_readable(int number) {
  pollfd ready{number, POLLIN, 0};
  int count = 0;
  do count = ::poll(&ready, 1, 5'000);
  while (count < 0 && errno == EINTR);
  return count == 1;
}

/// Two ends of a connection: operations work on ours, plain calls on theirs.
struct connection {
  descriptor ours;
  descriptor theirs;
  bool is_whole = true;               ///< nobody closed or reset it: bytes must add up
  tally received, given, sent, taken; ///< by operations on ours; by plain calls on theirs
};

/// Where a message's control data comes in.
struct control_memory {
  static constexpr std::size_t size = 64;
  alignas(cmsghdr) std::array<std::byte, size> bytes{};
};

/// On a backend and within bounds that the input chooses.
inline std::unique_ptr<loop> make_loop(choices& decide) {
  loop_options options;
  const std::uint8_t kind = decide.byte();
  options.backend = kind % 2 == 0 ? backend::io_uring : backend::epoll;
  constexpr std::array strategies{receive_strategy::adaptive, receive_strategy::wait_first,
                                  receive_strategy::speculative};
  if (options.backend == backend::epoll) options.io.strategy = strategies[kind / 2 % 3];
  constexpr std::array may_lack{capability::provided_buffers,
                                capability::multishot_receive,
                                capability::bundles,
                                capability::defer_taskrun,
                                capability::files,
                                capability::multishot_message};
  if (options.backend == backend::io_uring)
    for (std::size_t i = 0; i < may_lack.size(); ++i)
      if ((kind >> (i + 2) & 1) != 0) options.io.allowed.remove(may_lack[i]);
  constexpr std::array<std::uint32_t, 4> few{16384, 1, 3, 10};
  options.io.operations_max = few[decide.below(4)];
  constexpr std::array<std::uint32_t, 3> entries{1024, 2, 8};
  options.io.queue_entries = entries[decide.below(3)];
  options.completion_capacity = few[decide.below(4)];
  options.io.ring_slots = 2;
  options.buffers.slot_bytes = 4096;
  options.buffers.budget_bytes = 4096 * (decide.yes() ? 4 : 64);
  options.seed = 1;
  auto made = loop::create(options);
  require(made.has_value(), "loop::create");
  return std::move(*made);
}

inline void take(connection& on, std::span<std::byte> into) {
  const ssize_t got = ::recv(on.theirs.get(), into.data(), into.size(), MSG_DONTWAIT);
  if (got > 0) on.taken.add(into.first(static_cast<std::size_t>(got)));
}

/// Behind the end of all operations: what arrived is what was sent.
inline void check(connection& on) {
  if (!on.is_whole) return;
  std::array<std::byte, 4'096> bytes;
  const auto drain = [&](const descriptor& from, tally& into, const tally& expected) {
    while (into.count < expected.count) {
      require(becomes_readable(from.get()), "bytes that were sent arrive");
      const ssize_t got = ::recv(from.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      require(got > 0, "bytes that were sent can be read");
      into.add(std::span(bytes).first(static_cast<std::size_t>(got)));
    }
    require(into == expected, "the same bytes arrive, each once");
    require(::recv(from.get(), bytes.data(), 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "and no others");
  };
  drain(on.ours, on.received, on.given);
  drain(on.theirs, on.taken, on.sent);
}

} // namespace weir::fuzz
