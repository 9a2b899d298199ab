// socket_names: which sockets of a host are bound to which addresses: ports of the internet families, and
// names of unix-domain sockets.
//
// A path stays when its socket is gone, as in a file system, until it is unlinked; so it does over a crash.
// Thread rule: the world's thread. Lifetime: the disk outlives it. Bound: the descriptors of the host.
#pragma once

#include <weir/sim/socket_address.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir::sim {

class disk;
class file;

class socket_names {
 public:
  /// Of a host with that disk: what is there takes a path too.
  explicit socket_names(disk& storage) noexcept : storage_(storage) {}

  /// A port of 0, and a unix-domain name without bytes, get one that is free. 0, or -EADDRINUSE.
  /// `shares`: of SO_REUSEPORT; those that share a port take turns.
  int bind(file& socket, int type, socket_address& at, bool shares);
  void unbind(file& socket) noexcept;

  /// Who is to get what is sent to that address; null: nobody.
  file* find(int type, const socket_address& to) noexcept;
  /// For a socket that connects without having been bound.
  std::uint16_t ephemeral_port(int type) noexcept;

  // Paths, as lstat(2) and unlink(2) see them.
  bool has_path(const std::string& path) const noexcept { return paths_.contains(path); }
  bool unlink(const std::string& path) noexcept { return paths_.erase(path) > 0; }

  /// Nobody is there any more; paths stay.
  void forget_sockets() noexcept;

 private:
  struct bound {
    file* socket;
    int type;
    socket_address at;
    bool shares;
  };
  bool is_taken(int type, const socket_address& at, bool shares) const noexcept;
  int bind_unix(file& socket, int type, socket_address& at);

  disk& storage_;
  std::vector<bound> ports_;
  struct named {
    file* socket; ///< null: gone
    int type;
  };
  std::map<std::string, named> paths_;
  std::map<std::string, named> abstract_;
  std::uint16_t next_port_ = first_ephemeral_port;
  std::uint32_t next_name_ = 1;
  std::size_t turn_ = 0; ///< of those that share a port

  static constexpr std::uint16_t first_ephemeral_port = 32'768;
  static constexpr std::uint16_t last_ephemeral_port = 60'999;
};

} // namespace weir::sim
