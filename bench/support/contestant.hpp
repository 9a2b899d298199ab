// What every contestant of the message benchmark shares, so that only the messaging differs: the
// command line, the record printed at the end, clocks, CPU time, memory and pinning.
// bench/README.md states the contract. Plain C++, no dependency on weir.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <latch>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(std::string_view what, std::string_view detail = {}) {
  std::fprintf(stderr, "%.*s%s%.*s\n", int(what.size()), what.data(), detail.empty() ? "" : ": ",
               int(detail.size()), detail.data());
  std::exit(1);
}

[[noreturn]] inline void fail_errno(std::string_view what) {
  fail(what, std::strerror(errno));
}

enum class role : std::uint8_t { both, receive, send };
enum class mode : std::uint8_t { stream, pingpong, original };

struct options {
  bench::role role = role::both;
  bench::mode mode = mode::stream;
  std::string transport = "tcp";
  std::string endpoint;
  std::size_t size_bytes = 64;
  std::uint64_t messages = 100'000;
  std::uint64_t warmup = 0;
  std::optional<int> cpu;
  // Read by weir's own contestant only; the others have one way to work.
  std::string backend;
  std::string strategy;
  std::uint64_t spin_us = 0;
};

inline std::uint64_t parse_number(std::string_view name, const char* text) {
  char* end = nullptr;
  const auto value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') fail(name, "not a number");
  return value;
}

inline role parse_role(std::string_view text) {
  if (text == "both") return role::both;
  if (text == "receive") return role::receive;
  if (text == "send") return role::send;
  fail("--role", "both, receive or send");
}

inline mode parse_mode(std::string_view text) {
  if (text == "stream") return mode::stream;
  if (text == "pingpong") return mode::pingpong;
  if (text == "original") return mode::original;
  fail("--mode", "stream, pingpong or original");
}

inline const char* name_of(role r) {
  return r == role::both ? "both" : r == role::receive ? "receive" : "send";
}

// Every option takes one value. An unknown option or a bad value ends the program with status 1.
inline options parse_options(int argc, char** argv) {
  options o;
  const std::map<std::string_view, std::function<void(std::string_view name, const char* value)>> setters = {
      {"--role", [&](auto, auto value) { o.role = parse_role(value); }},
      {"--mode", [&](auto, auto value) { o.mode = parse_mode(value); }},
      {"--transport", [&](auto, auto value) { o.transport = value; }},
      {"--endpoint", [&](auto, auto value) { o.endpoint = value; }},
      {"--size", [&](auto name, auto value) { o.size_bytes = parse_number(name, value); }},
      {"--messages", [&](auto name, auto value) { o.messages = parse_number(name, value); }},
      {"--warmup", [&](auto name, auto value) { o.warmup = parse_number(name, value); }},
      {"--cpu", [&](auto name, auto value) { o.cpu = int(parse_number(name, value)); }},
      {"--backend", [&](auto, auto value) { o.backend = value; }},
      {"--strategy", [&](auto, auto value) { o.strategy = value; }},
      {"--spin-us", [&](auto name, auto value) { o.spin_us = parse_number(name, value); }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto setter = setters.find(argv[i]);
    if (setter == setters.end()) fail(argv[i], "unknown option");
    if (i + 1 == argc) fail(argv[i], "needs a value");
    setter->second(argv[i], argv[i + 1]);
  }
  if (o.endpoint.rfind(o.transport + "://", 0) != 0)
    fail("--endpoint", "must begin with the transport and ://");
  if (o.messages == 0) fail("--messages", "must not be 0");
  return o;
}

// Pins the calling thread, and with it every thread that it starts afterwards.
inline void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail_errno("--cpu");
}

inline std::uint64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::uint64_t(t.tv_sec) * 1'000'000'000u + std::uint64_t(t.tv_nsec);
}

// User and system time of the whole process, all threads.
inline std::uint64_t process_cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return std::uint64_t(t.tv_sec) * 1'000'000'000u + std::uint64_t(t.tv_usec) * 1'000u;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// VmHWM and not ru_maxrss: the latter survives exec, so it would report the driver's own size
// for a contestant smaller than the driver.
inline std::uint64_t peak_rss_bytes() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) fail_errno("/proc/self/status");
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr && std::sscanf(line, "VmHWM: %llu kB", &kib) != 1) {
  }
  std::fclose(file);
  return kib * 1024;
}

// Totals since the start of one side. `recv_calls` are reads from message sockets (completions, where the
// kernel reads by itself), `eagain` those of them that found nothing, `waits` every call that may sleep
// until something happens, `syscalls` all system calls of the side's hot path, unknown to some.
struct call_counts {
  std::uint64_t recv_calls = 0;
  std::uint64_t eagain = 0;
  std::uint64_t waits = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t bytes_received = 0;
  std::optional<std::uint64_t> syscalls;
};

inline call_counts operator-(const call_counts& a, const call_counts& b) {
  call_counts d{a.recv_calls - b.recv_calls,
                a.eagain - b.eagain,
                a.waits - b.waits,
                a.send_calls - b.send_calls,
                a.bytes_received - b.bytes_received,
                std::nullopt};
  if (a.syscalls && b.syscalls) d.syscalls = *a.syscalls - *b.syscalls;
  return d;
}

// What one side measured over the counted messages.
struct side_record {
  std::uint64_t messages = 0;
  std::uint64_t elapsed_ns = 0;
  std::uint64_t cpu_ns = 0;
  call_counts counts;
  std::vector<std::uint64_t> round_trips_ns;
};

inline std::optional<std::uint64_t> percentile(std::vector<std::uint64_t> samples, double fraction) {
  if (samples.empty()) return std::nullopt;
  const auto rank = static_cast<std::size_t>(fraction * double(samples.size() - 1));
  const auto nth = samples.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(samples.begin(), nth, samples.end());
  return *nth;
}

inline std::string json_number(std::optional<std::uint64_t> value) {
  return value ? std::to_string(*value) : "null";
}

// The process's one line. With both sides in one process the receiving side's figures stand, except that
// calls to send and system calls are those of both, and the round trips are the asking side's.
inline void print_record(role process_role, const side_record* receiving, const side_record* sending) {
  const side_record& main = receiving != nullptr ? *receiving : *sending;
  auto send_calls = main.counts.send_calls;
  auto syscalls = main.counts.syscalls;
  if (receiving != nullptr && sending != nullptr) {
    send_calls += sending->counts.send_calls;
    if (syscalls && sending->counts.syscalls) *syscalls += *sending->counts.syscalls;
  }
  const double seconds = double(main.elapsed_ns) / 1e9;
  const auto latency = sending != nullptr ? sending->round_trips_ns : std::vector<std::uint64_t>();
  std::printf(
      "{\"role\": \"%s\", \"messages\": %llu, \"seconds\": %.9f, \"messages_per_s\": %.1f, \"cpu_ns\": %llu, "
      "\"recv_calls\": %llu, \"eagain\": %llu, \"waits\": %llu, \"send_calls\": %llu, \"syscalls\": %s, "
      "\"bytes_received\": %llu, \"peak_rss_bytes\": %llu, \"latency_p50_ns\": %s, \"latency_p99_ns\": %s}\n",
      name_of(process_role), static_cast<unsigned long long>(main.messages), seconds,
      double(main.messages) / seconds, static_cast<unsigned long long>(main.cpu_ns),
      static_cast<unsigned long long>(main.counts.recv_calls),
      static_cast<unsigned long long>(main.counts.eagain), static_cast<unsigned long long>(main.counts.waits),
      static_cast<unsigned long long>(send_calls), json_number(syscalls).c_str(),
      static_cast<unsigned long long>(main.counts.bytes_received),
      static_cast<unsigned long long>(peak_rss_bytes()), json_number(percentile(latency, 0.50)).c_str(),
      json_number(percentile(latency, 0.99)).c_str());
  std::fflush(stdout);
}

// Runs the side or sides that the role asks for and prints the record. The receiving side calls `on_bound`
// when the sending side may connect: it prints `ready` for the driver, or lets the thread beside it go on. A
// role of its own is pinned as a whole; with both in one process the receiving thread gets the CPU that was
// asked for and the sending thread the next.
using run_receiving_side = side_record (*)(const options&, const std::function<void()>& on_bound);
using run_sending_side = side_record (*)(const options&);

inline side_record run_receiver_process(const options& o, run_receiving_side receive) {
  return receive(o, [] {
    std::puts("ready");
    std::fflush(stdout);
  });
}

inline void run_both(const options& o, run_receiving_side receive, run_sending_side send,
                     side_record& received, side_record& sent) {
  std::latch bound(1);
  std::thread receiver([&] {
    if (o.cpu) pin_to_cpu(*o.cpu);
    received = receive(o, [&] { bound.count_down(); });
  });
  if (o.cpu) pin_to_cpu(*o.cpu + 1);
  bound.wait();
  sent = send(o);
  receiver.join();
}

inline int run_contestant(const options& o, run_receiving_side receive, run_sending_side send) {
  side_record received, sent;
  if (o.role != role::both && o.cpu) pin_to_cpu(*o.cpu);
  if (o.role == role::both) run_both(o, receive, send, received, sent);
  if (o.role == role::receive) received = run_receiver_process(o, receive);
  if (o.role == role::send) sent = send(o);
  print_record(o.role, o.role == role::send ? nullptr : &received, o.role == role::receive ? nullptr : &sent);
  return 0;
}

} // namespace bench
