// docs/limits.md: each default that it lists is that of the library, and each bound is listed.
#include <weir/async/channel.hpp>
#include <weir/async/frame_pool.hpp>
#include <weir/runtime/limits.hpp>
#include <weir/zmtp/socket_options.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace weir::test {
namespace {

/// "16,384"
std::string count_text(std::size_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}
std::string bytes_text(std::size_t bytes) {
  if (bytes % (1u << 20) == 0) return count_text(bytes >> 20) + " MiB";
  return count_text(bytes >> 10) + " KiB";
}

std::map<std::string, std::string> defaults_of_the_library() {
  const loop_options loop;
  const listen_options listen;
  const zmtp::socket_options zmtp;
  return {
      {"loop_options::buffers.budget_bytes", bytes_text(loop.buffers.budget_bytes)},
      {"loop_options::buffers.slot_bytes", bytes_text(loop.buffers.slot_bytes)},
      {"loop_options::send_buffers.budget_bytes", bytes_text(loop.send_buffers.budget_bytes)},
      {"loop_options::send_buffers.slot_bytes", bytes_text(loop.send_buffers.slot_bytes)},
      {"loop_options::stream_credit_bytes", bytes_text(loop.stream_credit_bytes)},
      {"loop_options::stream_send_bytes", bytes_text(loop.stream_send_bytes)},
      {"loop_options::completion_capacity", count_text(loop.completion_capacity)},
      {"loop_options::inbox_max", count_text(loop.inbox_max)},
      {"loop_options::phase_budget", count_text(loop.phase_budget)},
      {"loop_options::turn_budget_ns", count_text(loop.turn_budget_ns / 1'000'000) + " ms"},
      {"proactor_options::operations_max", count_text(loop.io.operations_max)},
      {"proactor_options::queue_entries", count_text(loop.io.queue_entries)},
      {"proactor_options::ring_slots", count_text(loop.io.ring_slots)},
      {"proactor_options::quantum_bytes", bytes_text(loop.io.quantum_bytes)},
      {"blocking_pool_options::queue_max", count_text(blocking_pool_options().of(pool_class::cpu).queue_max)},
      {"nursery_options::limit", count_text(nursery_options().limit)},
      {"channel_options::count_max", count_text(channel_options().count_max)},
      {"listen_options::backlog", count_text(static_cast<std::size_t>(listen.backlog))},
      {"listen_options::accepted_max", count_text(listen.accepted_max)},
      {"gate_options::connections_max", count_text(gate_options().connections_max)},
      {"gate_options::descriptors_reserve", count_text(gate_options().descriptors_reserve)},
      {"loop_group_options::calls_max", count_text(loop_group_options().calls_max)},
      {"loop_channel capacity", count_text(loop_channel<int>().capacity())},
      {"server_options::handover_max", count_text(server_options().handover_max)},
      {"restart_policy::restarts_max", count_text(restart_policy().restarts_max)},
      {"frame_pool::kept_bytes_per_class_max", bytes_text(frame_pool::kept_bytes_per_class_max)},
      {"zmtp::socket_options::connections_max", count_text(zmtp.connections_max)},
      {"zmtp::socket_options::send_hwm", count_text(zmtp.send_hwm)},
      {"zmtp::socket_options::receive_hwm", count_text(zmtp.receive_hwm)},
      {"zmtp::socket_options::stream.loopback_receive_buffer_bytes",
       bytes_text(static_cast<std::size_t>(zmtp.stream.loopback_receive_buffer_bytes))},
  };
}

std::map<std::string, std::string> defaults_of_the_page() {
  // tests/app/limits_test.cpp, as the compiler knows it
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  std::ifstream page(root / "docs/limits.md");
  EXPECT_TRUE(page);
  std::map<std::string, std::string> found;
  for (std::string line; std::getline(page, line);) {
    const std::size_t name_end = line.find("` | ", 3);
    if (!line.starts_with("| `") || name_end == std::string::npos) continue;
    const std::size_t value = name_end + 4;
    found[line.substr(3, name_end - 3)] = line.substr(value, line.find(" | ", value) - value);
  }
  return found;
}

TEST(limits_page, lists_every_default_as_it_is) {
  EXPECT_EQ(defaults_of_the_page(), defaults_of_the_library());
}

TEST(limits_page, the_struct_begins_with_the_defaults_and_changes_nothing_then) {
  loop_group_options loops;
  server_options serving;
  limits().apply_to(loops, serving);
  EXPECT_EQ(loops.loop.buffers.budget_bytes, loop_options().buffers.budget_bytes);
  EXPECT_EQ(loops.loop.send_buffers.budget_bytes, loop_options().send_buffers.budget_bytes);
  EXPECT_EQ(loops.loop.stream_credit_bytes, loop_options().stream_credit_bytes);
  EXPECT_EQ(loops.loop.stream_send_bytes, loop_options().stream_send_bytes);
  EXPECT_EQ(loops.loop.io.operations_max, loop_options().io.operations_max);
  EXPECT_EQ(loops.loop.inbox_max, loop_options().inbox_max);
  EXPECT_EQ(loops.calls_max, loop_group_options().calls_max);
  EXPECT_EQ(serving.gate.connections_max, gate_options().connections_max);
  EXPECT_EQ(serving.gate.descriptors_reserve, gate_options().descriptors_reserve);
  EXPECT_EQ(serving.handover_max, server_options().handover_max);
}

} // namespace
} // namespace weir::test
