// socket_options: what setsockopt(2) has told a simulated socket. Options without a meaning in a simulation
// are kept and given back.
//
// Thread rule: the world's thread. Bound: a record for each option that was set.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace weir::sim {

class socket_options {
 public:
  int set(int level, int name, const void* value, socklen_t bytes);
  /// The value as an int, 0 where it was never set.
  int get(int level, int name, void* value, socklen_t* bytes) const noexcept;
  int number(int level, int name, int otherwise = 0) const noexcept;

  /// SO_LINGER with a time of zero: a close resets.
  bool resets_at_close() const noexcept { return linger_ && linger_->l_onoff != 0 && linger_->l_linger == 0; }
  std::size_t send_bytes_max() const noexcept;
  std::size_t receive_bytes_max() const noexcept;

 private:
  struct one {
    int level;
    int name;
    int value;
  };
  std::vector<one> set_;
  std::optional<linger> linger_;
};

/// Writes an answer of getsockopt(2).
int answer_option(int answer, void* value, socklen_t* bytes) noexcept;

} // namespace weir::sim
