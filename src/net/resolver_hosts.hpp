// The hosts file (hosts(5)): which names it gives to which addresses. Names are compared without case. What
// is no address or no line of the file is passed over.
#pragma once

#include <weir/base/result.hpp>
#include <weir/net/address.hpp>

#include <sys/stat.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir {

/// Tells whether a file is the one that was read before.
struct file_stamp {
  file_stamp() = default;
  explicit file_stamp(const struct stat& of) noexcept
      : device(of.st_dev), inode(of.st_ino), size(of.st_size), modified_s(of.st_mtim.tv_sec),
        modified_ns(of.st_mtim.tv_nsec) {}
  friend bool operator==(const file_stamp&, const file_stamp&) = default;

  dev_t device = 0;
  ino_t inode = 0;
  off_t size = -1;
  time_t modified_s = 0;
  long modified_ns = 0;
};

class hosts_table {
 public:
  hosts_table() = default;
  explicit hosts_table(std::string_view text);

  /// In the order of the file; empty when it names none. Addresses have port 0.
  std::vector<address> find(std::string_view name, int family) const;
  bool knows(std::string_view name) const;
  /// The first name of the first line of this address; empty when there is none.
  std::string name_of(const address& of) const;

  file_stamp stamp;

 private:
  std::unordered_map<std::string, std::vector<address>> by_name_;
  std::unordered_map<std::string, std::string> by_address_;
};

/// Blocks: for a thread of the pool. Null when the file is what `known` stands for; an empty table when there
/// is none. At most `bytes_max` are read.
result<std::unique_ptr<hosts_table>> read_hosts(const std::string& path, const file_stamp& known,
                                                std::size_t bytes_max);

/// ASCII only, as names in the DNS are (RFC 4343).
std::string lower_case(std::string_view name);

} // namespace weir
