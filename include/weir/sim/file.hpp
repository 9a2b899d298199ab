// file: what stands behind the descriptors of a simulated host: an open file description in the words of
// open(2), be it a socket, a file of the disk, or a device.
//
// A file lives as long as a descriptor, or somebody who works on it, refers to it (`file_ref`). It hears of
// its last descriptor's end by `closed`, when those who work on it may be there still. Results are those of
// system calls, errors negated: -EAGAIN where the call would block. Thread rule: the world's thread.
#pragma once

#include <weir/base/intrusive.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace weir::sim {

class file;
class file_ref;

/// Who wants to know when the readiness of a file may have changed.
class file_watcher : public list_hook<file_watcher> {
 public:
  explicit file_watcher(const void* on_behalf_of) noexcept : owner(on_behalf_of) {}
  virtual void file_changed() noexcept = 0;
  /// Its last descriptor has gone: the watcher leaves the file.
  virtual void file_closed() noexcept = 0;

  const void* const owner;

 protected:
  ~file_watcher() = default;
};

class file {
 public:
  file() = default;
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  // What can be done to it without waiting. A file that is no socket keeps these.
  virtual int bind(const sockaddr*, socklen_t) { return -ENOTSOCK; }
  virtual int listen(int) { return -ENOTSOCK; }
  /// -EINPROGRESS: has begun; the file is writable when `connect_outcome` knows more.
  virtual int connect(const sockaddr*, socklen_t) { return -ENOTSOCK; }
  virtual int connect_outcome() { return -ENOTSOCK; }
  /// Empty with the reason in `error`.
  virtual file_ref accept(int& error);
  virtual int shutdown(int) { return -ENOTSOCK; }
  /// read(2) and write(2) where a file has neither offsets nor messages.
  virtual int read(std::span<std::byte>) { return -EINVAL; }
  virtual int write(std::span<const std::byte>) { return -EINVAL; }
  /// `flags`: MSG_PEEK, MSG_TRUNC. The header is filled in as by recvmsg(2).
  virtual int receive(msghdr&, int) { return -ENOTSOCK; }
  virtual int send(const msghdr&, int) { return -ENOTSOCK; }
  virtual int get_option(int, int, void*, socklen_t*) { return -ENOTSOCK; }
  virtual int set_option(int, int, const void*, socklen_t) { return -ENOTSOCK; }
  virtual int local_name(sockaddr*, socklen_t*) { return -ENOTSOCK; }
  virtual int peer_name(sockaddr*, socklen_t*) { return -ENOTSOCK; }
  /// SOCK_STREAM, SOCK_DGRAM; 0: no socket.
  virtual int socket_type() const noexcept { return 0; }
  virtual std::size_t unread_bytes() const noexcept { return 0; }
  virtual std::size_t unsent_bytes() const noexcept { return 0; }

  /// What poll(2) would say: POLLIN, POLLOUT, POLLHUP, POLLERR, POLLRDHUP.
  virtual std::uint32_t readiness() const noexcept = 0;
  /// Its last descriptor has gone.
  virtual void closed() noexcept {}

  int status_flags = O_RDWR; ///< O_NONBLOCK and what open(2) was told

  void watch(file_watcher& who) noexcept { watchers_.push_back(who); }
  file_watcher* watcher_of(const void* owner) const noexcept {
    for (file_watcher* each = watchers_.front(); each; each = watchers_.next(*each))
      if (each->owner == owner) return each;
    return nullptr;
  }

 protected:
  virtual ~file() = default;
  void changed() noexcept {
    for (file_watcher* each = watchers_.front(); each; each = watchers_.next(*each)) each->file_changed();
  }

 private:
  friend class file_ref;
  friend class descriptor_table;
  intrusive_list<file_watcher, file_watcher> watchers_;
  std::uint32_t references_ = 0;
  std::uint32_t descriptors_ = 0;
};

/// Keeps a file alive.
class file_ref {
 public:
  file_ref() = default;
  explicit file_ref(file* of) noexcept : file_(of) {
    if (file_) ++file_->references_;
  }
  file_ref(const file_ref& other) noexcept : file_ref(other.file_) {}
  file_ref(file_ref&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  file_ref& operator=(file_ref other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~file_ref() {
    if (file_ && --file_->references_ == 0) delete file_;
  }

  explicit operator bool() const noexcept { return file_ != nullptr; }
  file* get() const noexcept { return file_; }
  file& operator*() const noexcept { return *file_; }
  file* operator->() const noexcept { return file_; }

 private:
  file* file_ = nullptr;
};

inline file_ref file::accept(int& error) {
  error = -ENOTSOCK;
  return file_ref();
}

/// /dev/null, which holds the place of a descriptor.
class null_device final : public file {
 public:
  std::uint32_t readiness() const noexcept override;
};

} // namespace weir::sim
