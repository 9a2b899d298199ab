// afd_poll: readiness of sockets as requests: the driver behind Winsock answers when one of the events asked
// for is there (IOCTL_AFD_POLL, what select of Winsock is made of). Documented by no manual of the system;
// Wine knows it by the same numbers.
//
// A device handle of our own carries the request, so the socket need not belong to our port. Sockets of
// layered service providers, which are none of the driver's, are not supported. Thread rule: the loop's
// thread.
#pragma once

#include <weir/base/result.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/reactor.hpp>

#include <memory>

namespace weir {

/// What a request asks and, after it was answered, what it was told. Neither moves nor dies until then.
struct afd_poll_info {
  LARGE_INTEGER timeout;
  ULONG handles;
  ULONG is_exclusive;
  HANDLE handle;
  ULONG events;
  LONG status;
};

class afd_device {
 public:
  static result<std::unique_ptr<afd_device>> open();
  ~afd_device();
  afd_device(const afd_device&) = delete;
  afd_device& operator=(const afd_device&) = delete;

  HANDLE get() const noexcept { return device_; }
  /// 0: a packet will come, for `overlapped`. Or -errno: -EBADF for what is not open, -EPERM for what is no
  /// socket.
  int poll(int socket, readiness interest, afd_poll_info& info, OVERLAPPED& overlapped) noexcept;
  void cancel(OVERLAPPED& overlapped) noexcept { ::CancelIoEx(device_, &overlapped); }

 private:
  explicit afd_device(HANDLE device) noexcept : device_(device) {}
  HANDLE device_;
};

/// What the answer means; none when the socket was closed.
readiness readiness_of(const afd_poll_info& answered) noexcept;

/// NTSTATUS of a request's end as a result: 0 or -errno.
int result_of_status(ULONG_PTR status) noexcept;

} // namespace weir
