// Code that runs in a forked child: what cannot be undone in this process, such as a seccomp filter, and what
// is measured by the process, such as memory.
#pragma once

#include <weir/io/descriptor.hpp>

#include <sys/mman.h>
#include <sys/types.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <system_error>

namespace weir::test {

/// Runs `body` in a child, beside this process. The child ends with this object and with this process.
class child_process {
 public:
  explicit child_process(const std::function<std::string()>& body);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// Waits for its end. Gives what `body` returned, a few lines at most; how the child died where it returned
  /// nothing.
  std::string report();

 private:
  descriptor report_;
  pid_t child_ = -1;
};

/// The same for a child that nothing else runs beside.
std::string in_child(const std::function<std::string()>& body);

/// An object in memory that children share with this process.
template <class T>
class shared_with_children {
 public:
  shared_with_children() {
    void* memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    object_ = new (memory) T();
  }
  ~shared_with_children() {
    std::destroy_at(object_);
    ::munmap(object_, sizeof(T));
  }
  shared_with_children(const shared_with_children&) = delete;
  shared_with_children& operator=(const shared_with_children&) = delete;

  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }

 private:
  T* object_;
};

/// From here on a system call (SYS_pidfd_open) fails with `error_number` in this process and in those that it
/// starts (seccomp(2)). For children.
void forbid_system_call(unsigned number, int error_number);
/// The same for io_uring_setup(2).
void forbid_io_uring(int error_number);

} // namespace weir::test
