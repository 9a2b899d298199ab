#include "afd_poll.hpp"

#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"

#include <winternl.h>

#include <cerrno>

namespace weir {
namespace {

constexpr ULONG ioctl_poll = 0x00012024;

// Events, as the driver numbers them.
constexpr ULONG can_receive = 0x01;
constexpr ULONG can_receive_expedited = 0x02;
constexpr ULONG can_send = 0x04;
constexpr ULONG disconnected = 0x08; ///< the peer has ended its side
constexpr ULONG aborted = 0x10;
constexpr ULONG closed_here = 0x20;
constexpr ULONG can_accept = 0x80;
constexpr ULONG connect_failed = 0x100;

constexpr ULONG status_success = 0;
constexpr ULONG status_pending = 0x0000'0103;
constexpr ULONG status_cancelled = 0xc000'0120;
constexpr ULONG status_handles_closed = 0x8000'000a; ///< Wine's, of requests on a socket that was closed

/// Of ntdll.dll, for which there is no import library.
struct nt_calls {
  decltype(&::NtCreateFile) create_file;
  decltype(&::NtDeviceIoControlFile) device_io_control;
  decltype(&::RtlNtStatusToDosError) error_of_status;

  nt_calls() noexcept {
    const HMODULE library = ::GetModuleHandleW(L"ntdll.dll");
    find(library, "NtCreateFile", create_file);
    find(library, "NtDeviceIoControlFile", device_io_control);
    find(library, "RtlNtStatusToDosError", error_of_status);
  }
  bool are_there() const noexcept { return create_file && device_io_control && error_of_status; }

 private:
  template <class Function>
  static void find(HMODULE library, const char* name, Function& into) noexcept {
    into = reinterpret_cast<Function>(reinterpret_cast<void*>(::GetProcAddress(library, name)));
  }
};

const nt_calls& nt() noexcept {
  static const nt_calls calls;
  return calls;
}

ULONG events_of(readiness interest) noexcept {
  ULONG events = aborted | closed_here | connect_failed;
  if (any(interest & readiness::readable)) events |= can_receive | can_accept | disconnected;
  if (any(interest & readiness::writable)) events |= can_send;
  if (any(interest & readiness::priority)) events |= can_receive_expedited;
  if (any(interest & readiness::hangup)) events |= disconnected;
  return events;
}

} // namespace

int result_of_status(ULONG_PTR status) noexcept {
  const auto code = static_cast<ULONG>(status);
  if (code == status_success) return 0;
  if (code == status_cancelled || code == status_handles_closed) return -ECANCELED;
  return -platform::errno_of(nt().error_of_status(static_cast<NTSTATUS>(code)));
}

result<std::unique_ptr<afd_device>> afd_device::open() {
  if (!nt().are_there()) return fail(error(std::errc::function_not_supported, "ntdll"));
  wchar_t path[] = L"\\Device\\Afd\\weir";
  UNICODE_STRING name{};
  name.Length = sizeof path - sizeof path[0];
  name.MaximumLength = sizeof path;
  name.Buffer = path;
  OBJECT_ATTRIBUTES attributes{};
  attributes.Length = sizeof attributes;
  attributes.ObjectName = &name;
  IO_STATUS_BLOCK told{};
  HANDLE device = nullptr;
  const NTSTATUS status = nt().create_file(&device, SYNCHRONIZE, &attributes, &told, nullptr, 0,
                                           FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, nullptr, 0);
  if (status != 0)
    return fail(
        error::from_errno(-result_of_status(static_cast<ULONG>(status)), "NtCreateFile").at("\\Device\\Afd"));
  return std::unique_ptr<afd_device>(new afd_device(device));
}

afd_device::~afd_device() {
  ::CloseHandle(device_);
}

int afd_device::poll(int socket, readiness interest, afd_poll_info& info, OVERLAPPED& overlapped) noexcept {
  info = afd_poll_info{};
  info.timeout.QuadPart = INT64_MAX;
  info.handles = 1;
  info.handle = platform::handle_of(socket);
  info.events = events_of(interest);
  overlapped = OVERLAPPED{};
  overlapped.Internal = status_pending;
  const auto status = static_cast<ULONG>(nt().device_io_control(
      device_, nullptr, nullptr, &overlapped, reinterpret_cast<IO_STATUS_BLOCK*>(&overlapped.Internal),
      ioctl_poll, &info, sizeof info, &info, sizeof info));
  if (status == status_success || status == status_pending) return 0;
  DWORD flags = 0;
  return ::GetHandleInformation(info.handle, &flags) ? -EPERM : -EBADF;
}

readiness readiness_of(const afd_poll_info& answered) noexcept {
  const ULONG events = answered.handles > 0 ? answered.events : 0;
  readiness ready = readiness::none;
  if (events & closed_here) return ready;
  if (events & (can_receive | can_accept | disconnected | aborted)) ready = ready | readiness::readable;
  if (events & (can_send | aborted | connect_failed)) ready = ready | readiness::writable;
  if (events & can_receive_expedited) ready = ready | readiness::priority;
  if (events & (disconnected | aborted)) ready = ready | readiness::hangup;
  if (events & (aborted | connect_failed)) ready = ready | readiness::failed;
  return ready;
}

} // namespace weir
