// pipe: the two ends of a simulated pipe (pipe(7)), and splice(2) between one of them and something else.
//
// Nothing here waits, whatever the descriptors' flags say: -EAGAIN. Who writes to a pipe without readers gets
// -EPIPE and no signal. Left out: pages; each byte counts as one. Lifetime: each end its own, as any file.
// Thread rule: the world's thread. Bound: the capacity, 64 KiB unless `set_capacity` says otherwise.
#pragma once

#include <weir/sim/byte_pipe.hpp>
#include <weir/sim/disk.hpp>
#include <weir/sim/file.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weir::sim {

class pipe_end final : public file {
 public:
  struct ends;
  /// A fresh pipe.
  static ends make();
  ~pipe_end() override;

  bool is_reader() const noexcept { return is_reader_; }
  int read(std::span<std::byte> into) override { return take(into, false); }
  /// At most PIPE_BUF bytes are written all or not at all.
  int write(std::span<const std::byte> from) override;
  std::uint32_t readiness() const noexcept override;
  void closed() noexcept override;

  /// F_SETPIPE_SZ: what was granted, or -EBUSY where the pipe holds more.
  int set_capacity(std::size_t bytes);
  std::size_t capacity() const noexcept;

  /// `is_peek`: the bytes stay.
  int take(std::span<std::byte> into, bool is_peek);
  /// Less than all where there is no more room.
  int put(std::span<const std::byte> from);
  /// 0: -EAGAIN or -EPIPE.
  std::size_t room() const noexcept;

 private:
  struct body;

  pipe_end(std::shared_ptr<body> of, bool is_reader) noexcept;

  const std::shared_ptr<body> body_;
  const bool is_reader_;
};

struct pipe_end::ends {
  file_ref reader;
  file_ref writer;
};

/// What is spliced from or to: a file, with the disk of its host where it is one of that and an offset says
/// where.
struct splice_side {
  file& what;
  std::int64_t offset = -1; ///< -1: none
};

/// How many bytes were moved, -EAGAIN, or an error; one of the sides has to be the right end of a pipe.
std::int64_t splice(disk& storage, splice_side from, splice_side to, std::size_t bytes);

} // namespace weir::sim
