// What is told of each loop in both formats, in one table: name, meaning, and where the number is.
#pragma once

#include <weir/io/thread_clock.hpp>
#include <weir/runtime/metrics_registry.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::metrics_table {

enum class type : std::uint8_t { counter, gauge };

struct number {
  std::string_view name; ///< without "weir_loop_" in front and "_total" behind
  type kind;
  std::string_view help;
  std::uint64_t (*read)(const loop& of);
};

template <counter loop_counters::* Member>
std::uint64_t counted(const loop& of) {
  return of.counters().*Member;
}

inline constexpr std::array<number, 23> numbers = {{
    {"turns", type::counter, "Turns of the loop.", counted<&loop_counters::turns>},
    {"waits", type::counter, "Waits in the kernel.", counted<&loop_counters::waits>},
    {"receives", type::counter, "Receives done.", counted<&loop_counters::receive_calls>},
    {"receives_again", type::counter, "Receives that found nothing (EAGAIN).",
     counted<&loop_counters::receive_again>},
    {"received_bytes", type::counter, "Bytes received.", counted<&loop_counters::bytes_received>},
    {"sends", type::counter, "Sends done.", counted<&loop_counters::send_calls>},
    {"sends_again", type::counter, "Sends that found no room (EAGAIN).", counted<&loop_counters::send_again>},
    {"sent_bytes", type::counter, "Bytes sent.", counted<&loop_counters::bytes_sent>},
    {"operations_started", type::counter, "Operations started.", counted<&loop_counters::operations_started>},
    {"operations_parked", type::counter, "Operations that waited because a bound was reached.",
     counted<&loop_counters::operations_parked>},
    {"receives_starved", type::counter, "Receives that waited because the buffer pool was empty.",
     counted<&loop_counters::receives_starved>},
    {"receives_paused", type::counter,
     "Receives that were stopped because the credit of their stream was used up.",
     counted<&loop_counters::receives_paused>},
    {"receives_over_share", type::counter,
     "How often a receive did not go on: what it brought and somebody keeps is more than its share.",
     counted<&loop_counters::receives_over_share>},
    {"writes_waited", type::counter,
     "Writers that waited because what is unsent of their stream is at its bound.",
     counted<&loop_counters::writes_waited>},
    {"wakes", type::counter, "Wake-ups by other threads that cost a system call.",
     counted<&loop_counters::wakes>},
    {"watches_spinning", type::counter, "Watches that were called turn after turn and changed nothing.",
     counted<&loop_counters::watches_spinning>},
    {"calls_blocking", type::counter, "Blocking calls that handlers made, where they are trapped.",
     counted<&loop_counters::calls_blocking>},
    {"operations_outstanding", type::gauge, "Operations in flight.",
     [](const loop& of) -> std::uint64_t { return of.outstanding(); }},
    {"receive_memory_bytes", type::gauge, "Receive memory in use.",
     [](const loop& of) -> std::uint64_t { return of.buffers().bytes_in_use(); }},
    {"receive_memory_peak_bytes", type::gauge, "The most receive memory that was in use at once.",
     [](const loop& of) -> std::uint64_t {
       return of.buffers().slots_in_use_peak() * of.buffers().slot_bytes();
     }},
    {"receive_memory_limit_bytes", type::gauge, "Receive memory that there is.",
     [](const loop& of) -> std::uint64_t { return of.buffers().slots_max() * of.buffers().slot_bytes(); }},
    {"send_memory_bytes", type::gauge, "Send memory in use.",
     [](const loop& of) -> std::uint64_t { return of.send_buffers().bytes_in_use(); }},
    {"send_memory_limit_bytes", type::gauge, "Send memory that there is.",
     [](const loop& of) -> std::uint64_t {
       return of.send_buffers().slots_max() * of.send_buffers().slot_bytes();
     }},
}};

inline std::string_view name_of_lane(std::size_t lane) noexcept {
  constexpr std::array<std::string_view, lane_count> names = {"urgent", "normal", "background"};
  return names[lane];
}

} // namespace weir::metrics_table
