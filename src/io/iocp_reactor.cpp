#include "iocp_reactor.hpp"

#include "grow_to.hpp"
#include "iocp_handles.hpp"
#include "iocp_sockets.hpp"

#include <cerrno>

namespace weir {
namespace {

constexpr std::size_t events_max = 256;   // packets of one wait
constexpr std::size_t numbers_apart = 4;  // of handles
constexpr int descriptors_max = 64 << 20; // no process has larger numbers

} // namespace

result<std::unique_ptr<iocp_reactor>> iocp_reactor::create(loop_counters& counters) {
  auto port = iocp_port::create(counters);
  if (!port) return fail(std::move(port).error());
  auto device = afd_device::open();
  if (!device) return fail(std::move(device).error());
  if (!(*port)->take_whole((*device)->get()))
    return fail(error(std::errc::not_supported, "CreateIoCompletionPort").at("\\Device\\Afd"));
  std::unique_ptr<iocp_reactor> made(new iocp_reactor(std::move(*port), std::move(*device), counters));
  made->ready_.reserve(events_max);
  return made;
}

/// The kernel may write to a request until its packet is here.
iocp_reactor::~iocp_reactor() {
  constexpr std::uint64_t look_again_ns = 100'000'000;
  constexpr int looks_max = 20; // a kernel that keeps its answer for so long will not give it
  requests_.for_each([this](iocp_request& each) {
    if (each.is_pending) end(each);
  });
  for (int looks = 0; requests_.pending() > 0 && looks < looks_max; ++looks)
    for (const OVERLAPPED_ENTRY& packet : port_->wait(look_again_ns))
      requests_.note_answered(*reinterpret_cast<iocp_request*>(packet.lpOverlapped));
  requests_.for_each([](iocp_request& each) {
    if (!each.is_pending) iocp_sockets::close(each.accepted); // which nobody took
  });
  if (requests_.pending() > 0) requests_.leak();
}

/// Where the request of that descriptor's watch stands; null when there is no memory for it.
iocp_request** iocp_reactor::place_of(int descriptor) noexcept {
  const std::size_t index = static_cast<std::size_t>(descriptor) / numbers_apart;
  return grow_to(watches_, index) ? &watches_[index] : nullptr;
}

void iocp_reactor::end(iocp_request& pending) noexcept {
  if (pending.what == iocp_request::purpose::watch)
    device_->cancel(pending.overlapped);
  else if (pending.is_watch())
    iocp_handles::call_off(pending);
  else
    iocp_sockets::cancel(pending);
}

/// Its packet still comes, and is nobody's.
void iocp_reactor::call_off(iocp_request*& watched) noexcept {
  iocp_request* const request = std::exchange(watched, nullptr);
  if (!request) return;
  counters_.system_calls.count(system_call::interest);
  end(*request);
}

int iocp_reactor::watch(int descriptor, readiness interest) noexcept {
  if (descriptor < 0 || descriptor >= descriptors_max) return -EBADF;
  iocp_request** const place = place_of(descriptor);
  if (!place) return -ENOMEM;
  call_off(*place);
  if (!any(interest)) return 0;

  iocp_request* const request = requests_.take(iocp_request::purpose::watch, descriptor, nullptr);
  if (!request) return -ENOMEM;
  counters_.system_calls.count(system_call::interest);
  int asked = device_->poll(descriptor, interest, request->poll, request->overlapped);
  if (asked == -EPERM) { // no socket
    request->overlapped = OVERLAPPED{};
    asked = iocp_handles::watch(*request, interest, *port_);
  }
  if (asked < 0) {
    requests_.give_back(*request);
    return asked;
  }
  requests_.note_pending(*request);
  *place = request;
  return 0;
}

std::span<const ready_event> iocp_reactor::wait(std::uint64_t timeout_ns) noexcept {
  ready_.clear();
  for (const OVERLAPPED_ENTRY& packet : port_->wait(answered_.empty() ? timeout_ns : 0))
    take(*reinterpret_cast<iocp_request*>(packet.lpOverlapped));
  return ready_;
}

void iocp_reactor::take(iocp_request& answered) noexcept {
  requests_.note_answered(answered);
  if (answered.is_watch())
    take_watch(answered);
  else
    answered_.push_back(answered);
}

void iocp_reactor::take_watch(iocp_request& answered) noexcept {
  const bool is_of_socket = answered.what == iocp_request::purpose::watch;
  const readiness told = is_of_socket ? readiness_of(answered.poll) : iocp_handles::take(answered);
  iocp_request*& watched = watches_[static_cast<std::size_t>(answered.number) / numbers_apart];
  if (watched == &answered) {
    watched = nullptr;
    // Nothing of one whose socket was closed: what is watched anew under its number is another.
    const bool is_told = !is_of_socket || answered.result() >= 0;
    ready_.push_back({answered.number, is_told ? told : readiness::none});
  }
  requests_.give_back(answered);
}

} // namespace weir
