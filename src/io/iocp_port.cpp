#include "iocp_port.hpp"

#include "milliseconds.hpp"
#include "platform/windows_errors.hpp"
#include "platform/windows_handles.hpp"

#include <weir/io/reactor.hpp>

#include <algorithm>
#include <new>

namespace weir {
namespace {

/// To which port each handle of the process was given last. Pages are made when first needed and kept.
class port_registry {
 public:
  void note(int number, std::uint32_t port) noexcept {
    if (std::atomic<std::uint32_t>* entry = entry_of(number)) entry->store(port, std::memory_order_relaxed);
  }
  bool is_of(int number, std::uint32_t port) noexcept {
    const std::atomic<std::uint32_t>* const entry = entry_of(number);
    return entry && entry->load(std::memory_order_relaxed) == port;
  }

 private:
  static constexpr std::size_t numbers_apart = 4; // two bits of a handle are the application's
  static constexpr std::size_t page_entries = 4096;
  static constexpr std::size_t pages_max = 4096; // the sixteen million handles that a process may have
  using page = std::array<std::atomic<std::uint32_t>, page_entries>;

  std::atomic<std::uint32_t>* entry_of(int number) noexcept {
    const std::size_t index = static_cast<std::size_t>(number) / numbers_apart;
    if (number < 0 || index / page_entries >= pages_max) return nullptr;
    std::atomic<page*>& place = pages_[index / page_entries];
    page* found = place.load(std::memory_order_acquire);
    if (!found) found = make(place);
    return found ? &(*found)[index % page_entries] : nullptr;
  }
  static page* make(std::atomic<page*>& place) noexcept {
    std::unique_ptr<page> fresh(new (std::nothrow) page());
    page* found = nullptr;
    if (fresh && place.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel))
      return fresh.release();
    return found;
  }

  std::array<std::atomic<page*>, pages_max> pages_{};
};

constinit port_registry registry;
constinit std::atomic<std::uint32_t> ports_made{0};

constexpr ULONG_PTR wake_key = 1;

} // namespace

result<std::unique_ptr<iocp_port>> iocp_port::create(loop_counters& counters) {
  const HANDLE port = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
  if (!port) return fail(error::from_errno(platform::errno_of(::GetLastError()), "CreateIoCompletionPort"));
  return std::unique_ptr<iocp_port>(new iocp_port(port, counters));
}

iocp_port::iocp_port(HANDLE port, loop_counters& counters) noexcept
    : port_(port), serial_(ports_made.fetch_add(1, std::memory_order_relaxed) + 1), counters_(counters) {}

iocp_port::~iocp_port() {
  ::CloseHandle(port_);
}

bool iocp_port::take(int number) noexcept {
  counters_.system_calls.count(system_call::interest);
  if (!::CreateIoCompletionPort(platform::handle_of(number), port_, 0, 0))
    return registry.is_of(number, serial_);
  constexpr UCHAR quietly = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
  counters_.system_calls.count(system_call::interest);
  const bool is_quiet = ::SetFileCompletionNotificationModes(platform::handle_of(number), quietly) != 0;
  registry.note(number, is_quiet ? serial_ : 0);
  return is_quiet;
}

bool iocp_port::take_whole(HANDLE of_ours) noexcept {
  return ::CreateIoCompletionPort(of_ours, port_, 0, 0) != nullptr;
}

std::span<OVERLAPPED_ENTRY> iocp_port::wait(std::uint64_t timeout_ns) noexcept {
  ++counters_.waits;
  counters_.system_calls.count(system_call::wait);
  const DWORD milliseconds =
      timeout_ns == reactor::no_timeout
          ? INFINITE
          : static_cast<DWORD>(std::min<std::uint64_t>(milliseconds_of(timeout_ns), INFINITE - 1));
  ULONG count = 0;
  if (!::GetQueuedCompletionStatusEx(port_, packets_.data(), packets_max, &count, milliseconds, FALSE))
    return {};
  std::size_t kept = 0;
  for (const OVERLAPPED_ENTRY& each : std::span(packets_).first(count)) {
    if (each.lpCompletionKey == wake_key)
      take_wake();
    else
      packets_[kept++] = each;
  }
  return std::span(packets_).first(kept);
}

void iocp_port::wake() noexcept {
  // The exchange also hands over what the waker wrote.
  if (wake_is_pending_.exchange(true, std::memory_order_acq_rel)) return;
  ::PostQueuedCompletionStatus(port_, 0, wake_key, nullptr);
}

void iocp_port::post(OVERLAPPED& answered) noexcept {
  ::PostQueuedCompletionStatus(port_, 0, 0, &answered);
}

void iocp_port::take_wake() noexcept {
  wake_is_pending_.exchange(false, std::memory_order_acq_rel);
  ++counters_.wakes;
  counters_.system_calls.count(system_call::wake); // the waker's post
}

} // namespace weir
