#include <weir/io/operation.hpp>

#include <array>

namespace weir {

std::string_view name_of(operation_kind kind) noexcept {
  static constexpr std::array<std::string_view, operation_kind_count> names = {"nop",
                                                                               "accept",
                                                                               "accept_many",
                                                                               "connect",
                                                                               "receive",
                                                                               "receive_many",
                                                                               "send",
                                                                               "send_gathered",
                                                                               "send_zero_copy",
                                                                               "poll",
                                                                               "open",
                                                                               "read_at",
                                                                               "write_at",
                                                                               "sync",
                                                                               "allocate",
                                                                               "truncate",
                                                                               "status",
                                                                               "rename",
                                                                               "unlink",
                                                                               "make_directory",
                                                                               "splice",
                                                                               "close",
                                                                               "shutdown",
                                                                               "receive_message",
                                                                               "receive_message_many",
                                                                               "send_message",
                                                                               "send_messages"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(operation_state state) noexcept {
  static constexpr std::array<std::string_view, 5> names = {"idle", "parked", "submitted", "cancelling",
                                                            "completed"};
  return names[static_cast<std::size_t>(state)];
}

} // namespace weir
