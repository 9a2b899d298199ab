#include "uring_self_test.hpp"

#include "uring_buffers.hpp"
#include "uring_ring.hpp"

#include <weir/io/descriptor.hpp>
#include <weir/io/message_operations.hpp>
#include <weir/io/uring_proactor.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <vector>

namespace weir {
namespace {

constexpr std::size_t slot_bytes = 4096;
constexpr std::size_t pool_slots = 8;
constexpr std::size_t clients_max = 2;
constexpr std::uint32_t ring_slots = 4;
constexpr std::uint64_t patience_ns = 20'000'000; ///< everything that is waited for has happened already
constexpr int waits_max = 64;

std::byte byte_at(std::size_t position) noexcept {
  return static_cast<std::byte>(position * 31 + position / slot_bytes);
}

descriptor stream_socket(int family) noexcept {
  return descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

struct listening_socket {
  descriptor socket;
  sockaddr_storage address{};
  socklen_t address_bytes = 0;

  sockaddr* name() noexcept { return reinterpret_cast<sockaddr*>(&address); }

  /// On a loopback port, or under a local name, that the kernel chooses (ip(7), unix(7)).
  bool open(int family) noexcept {
    sockaddr_in loopback{};
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&address, &loopback, sizeof loopback);
    address.ss_family = static_cast<sa_family_t>(family);
    address_bytes = family == AF_INET ? sizeof loopback : sizeof(sa_family_t);
    socket = stream_socket(family);
    if (::bind(socket.get(), name(), address_bytes) != 0 || ::listen(socket.get(), 4) != 0) return false;
    address_bytes = sizeof address;
    return ::getsockname(socket.get(), name(), &address_bytes) == 0;
  }
};

struct socket_pair {
  descriptor ours;
  descriptor theirs;
  std::size_t written = 0;

  bool open(int family) noexcept {
    listening_socket listener;
    if (!listener.open(family)) return false;
    theirs =
        descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); // waits for room, and for its connection
    if (::connect(theirs.get(), listener.name(), listener.address_bytes) != 0) return false;
    ours = descriptor(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    return static_cast<bool>(ours);
  }
  /// Writes the next `count` bytes of the pattern. They fit into the socket's buffers.
  bool write(std::size_t count) noexcept {
    std::array<std::byte, slot_bytes> piece; // not from the heap: without memory the test must still end
    for (std::size_t left = count; left > 0;) {
      const std::span bytes = std::span(piece).first(std::min(left, piece.size()));
      for (std::byte& value : bytes) value = byte_at(written++);
      if (::send(theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(bytes.size()))
        return false;
      left -= bytes.size();
    }
    return true;
  }
};

/// A socket that receives datagrams on the loopback interface, and one that sends them to it.
struct datagram_pair {
  descriptor ours{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  descriptor theirs{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in from{};

  bool open() noexcept {
    sockaddr_in to{};
    return is_bound(ours, to) && is_bound(theirs, from) &&
           ::connect(theirs.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  bool send(std::size_t bytes) noexcept {
    constexpr std::array<std::byte, slot_bytes> content{};
    return ::send(theirs.get(), content.data(), bytes, 0) == static_cast<ssize_t>(bytes);
  }
  bool came_from_theirs(const message_view& message) const noexcept {
    return message.from_bytes() == sizeof from && std::memcmp(message.from(), &from, sizeof from) == 0;
  }

 private:
  static bool is_bound(const descriptor& socket, sockaddr_in& name) noexcept {
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* const raw = reinterpret_cast<sockaddr*>(&name);
    return ::bind(socket.get(), raw, size) == 0 && ::getsockname(socket.get(), raw, &size) == 0;
  }
};

void ignore(operation&, completion&&) noexcept {}

} // namespace

/// A proactor that uses certain capabilities, and what its only operation reports.
class uring_self_test::bench {
 public:
  static result<std::unique_ptr<bench>> make(capability_mask used, int family);

  bool has(capability which) const noexcept { return subject_->capabilities().has(which); }
  bool receives_and_cancels();
  bool receives_many();
  bool receives_messages();
  bool accepts_many();

 private:
  explicit bench(int family) : family_(family) {
    kept_.reserve(pool_slots); // with operations under way there is no turning back
    accepted_.reserve(clients_max);
  }
  bool receives_what_was_there();
  bool receives_what_comes();
  bool has_ended(operation& op, int result);
  bool receives_until(operation& op, std::size_t position);
  bool next(operation& op);
  bool leave(operation& op, bool passed);

  int family_; ///< of the sockets
  completion_queue completed_{64};
  buffer_pool pool_{buffer_pool_options{slot_bytes, slot_bytes* pool_slots}};
  loop_counters counters_;
  std::unique_ptr<uring_proactor> subject_;

  std::vector<lease> kept_;
  std::vector<descriptor> accepted_;
  std::size_t position_ = 0; ///< bytes received so far
  bool in_order_ = true;
  int result_ = 0;
};

result<std::unique_ptr<uring_self_test::bench>> uring_self_test::bench::make(capability_mask used,
                                                                             int family) {
  std::unique_ptr<bench> made(new bench(family));
  proactor_options options;
  options.operations_max = 16;
  options.queue_entries = 16;
  options.ring_slots = ring_slots;
  options.allowed = used;
  auto subject = uring_proactor::create_unproven(made->completed_, made->pool_, made->counters_, options);
  if (!subject) return fail(subject.error());
  made->subject_ = std::move(*subject);
  return made;
}

/// Waits for the next report of the operation and takes note of it.
bool uring_self_test::bench::next(operation& op) {
  if (op.is_idle()) return false;
  for (int waits = 0; completed_.empty(); ++waits) {
    if (waits == waits_max) return false;
    subject_->wait(patience_ns);
  }
  completion what = std::move(completed_.pop()->what);
  if (op.kind() != operation_kind::receive_message_many)
    for (const std::byte value : what.data.bytes()) in_order_ = in_order_ && value == byte_at(position_++);
  if (!what.data.empty()) kept_.push_back(std::move(what.data));
  if (what.more && op.kind() == operation_kind::accept_many) accepted_.emplace_back(what.result);
  result_ = what.result;
  if (!what.more) uring_proactor::state_of(op) = operation_state::idle;
  return true;
}

bool uring_self_test::bench::receives_until(operation& op, std::size_t position) {
  while (position_ < position)
    if (!next(op)) return false;
  return position_ == position && in_order_ && !op.is_idle();
}

bool uring_self_test::bench::has_ended(operation& op, int result) {
  while (next(op)) {
  }
  return op.is_idle() && result_ == result;
}

/// Leaves nothing behind, whatever the test found.
bool uring_self_test::bench::leave(operation& op, bool passed) {
  if (!op.is_idle()) subject_->cancel(op);
  while (next(op)) {
  }
  kept_.clear();
  accepted_.clear();
  position_ = 0;
  return std::exchange(in_order_, true) && passed;
}

/// A receive that is parked in the kernel can be cancelled; another one completes when data comes.
bool uring_self_test::bench::receives_and_cancels() {
  socket_pair pair;
  if (!pair.open(family_)) return false;
  std::array<std::byte, 8> into{};
  receive_operation op(pair.ours.get(), into, ignore);
  const auto passes = [&] {
    subject_->start(op);
    subject_->wait(0);
    subject_->cancel(op);
    if (!has_ended(op, -ECANCELED)) return false;
    subject_->start(op);
    subject_->wait(0);
    return pair.write(5) && has_ended(op, 5) && into[4] == byte_at(4);
  };
  return leave(op, passes());
}

bool uring_self_test::bench::receives_many() {
  return receives_what_was_there() && receives_what_comes();
}

/// A receive that stays armed yields what comes later too, survives the want of slots, keeps the order of the
/// slots, can be cancelled, and ends behind the last byte.
bool uring_self_test::bench::receives_what_comes() {
  socket_pair pair;
  if (!pair.open(family_)) return false;
  receive_many_operation op(pair.ours.get(), ignore);
  const auto passes = [&] {
    subject_->start(op);
    subject_->wait(0);
    subject_->cancel(op);
    if (!has_ended(op, -ECANCELED)) return false;

    subject_->start(op);
    subject_->wait(0);
    if (!pair.write(100) || !receives_until(op, 100)) return false;
    if (!pair.write(50) || !receives_until(op, 150)) return false;
    kept_.clear();

    if (!pair.write((pool_slots + 2) * slot_bytes)) return false;
    while (kept_.size() < pool_slots)
      if (!next(op)) return false;
    subject_->wait(0); // meets the empty pool
    kept_.clear();
    while (position_ < pair.written)
      if (kept_.clear(); !next(op)) return false;
    kept_.clear();

    if (!pair.write(2 * slot_bytes + 1)) return false;
    ::shutdown(pair.theirs.get(), SHUT_WR);
    return has_ended(op, 0) && position_ == pair.written;
  };
  return leave(op, passes());
}

/// Data and the end of the stream may both be there before anybody asks for them.
bool uring_self_test::bench::receives_what_was_there() {
  socket_pair pair;
  if (!pair.open(family_) || !pair.write(100)) return false;
  ::shutdown(pair.theirs.get(), SHUT_WR);
  receive_many_operation op(pair.ours.get(), ignore);
  subject_->start(op);
  return leave(op, has_ended(op, 0) && position_ == pair.written);
}

/// Each datagram comes once, with its address, also one without bytes; more than there are slots for wait.
bool uring_self_test::bench::receives_messages() {
  datagram_pair pair;
  if (!pair.open()) return false;
  alignas(8) std::array<std::byte, 64> control;
  receive_message_many_operation op(pair.ours.get(), control, ignore);
  const auto passes = [&] {
    subject_->start(op);
    subject_->wait(0);
    subject_->cancel(op);
    if (!has_ended(op, -ECANCELED)) return false;
    subject_->start(op);
    subject_->wait(0);
    constexpr std::size_t count = pool_slots + 3;
    for (std::size_t i = 0; i < count; ++i)
      if (!pair.send(i % 3 * 100)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == pool_slots) kept_.clear(); // the rest met the empty pool
      if (!next(op) || op.is_idle()) return false;
      const message_view message(kept_.back(), control.size());
      if (message.payload().size() != i % 3 * 100 || !pair.came_from_theirs(message)) return false;
    }
    subject_->cancel(op);
    return has_ended(op, -ECANCELED);
  };
  return leave(op, passes());
}

/// One accept yields several connections.
bool uring_self_test::bench::accepts_many() {
  listening_socket listener;
  if (!listener.open(family_)) return false;
  accept_operation op(listener.socket.get(), true, ignore);
  std::array<descriptor, clients_max> clients;
  const auto passes = [&] {
    subject_->start(op);
    subject_->wait(0);
    for (descriptor& client : clients) {
      client = stream_socket(family_);
      if (::connect(client.get(), listener.name(), listener.address_bytes) != 0) return false;
      if (!next(op) || op.is_idle()) return false;
    }
    subject_->cancel(op);
    return has_ended(op, -ECANCELED) && accepted_.size() == clients.size();
  };
  return leave(op, passes());
}

// --- the run ---

/// What passed so far, and the trial of one more.
class uring_self_test::trial {
 public:
  explicit trial(capability_mask base) noexcept : proven_(base) {}
  capability_mask proven() const noexcept { return proven_; }

  template <class Test>
  void of(capability which, int family, Test test) {
    capability_mask used = proven_;
    used.add(which);
    const auto made = bench::make(used, family);
    if (made && (*made)->has(which) && ((**made).*test)()) proven_ = used;
  }

 private:
  capability_mask proven_;
};

result<capability_mask> uring_self_test::run(bool defers_task_work) {
  capability_mask base;
  if (defers_task_work) base.add(capability::defer_taskrun);
  {
    const auto plain = bench::make(base, AF_UNIX);
    if (!plain) return fail(plain.error());
    if (!(*plain)->receives_and_cancels() || !(*plain)->receives_many())
      return fail(std::errc::not_supported, "io_uring: self-test of plain receives");
  }
  trial each(base);
  each.of(capability::provided_buffers, AF_UNIX, &bench::receives_many);
  each.of(capability::poll_first, AF_UNIX, &bench::receives_many);
  each.of(capability::multishot_receive, AF_INET, &bench::receives_many); // not used with local sockets
  each.of(capability::bundles, AF_INET, &bench::receives_many);
  each.of(capability::multishot_message, AF_INET, &bench::receives_messages);
  each.of(capability::multishot_accept, AF_UNIX, &bench::accepts_many);
  // Refusals of a socket are answered by a copy (uring_completion.cpp): that the kernel knows it is enough.
  each.of(capability::send_zero_copy, AF_UNIX, &bench::receives_and_cancels);
  capability_mask proven = each.proven();
  proven.add(capability::files); // what the kernel knows of their requests is asked of each
  return proven;
}

result<capability_mask> uring_self_test::proven(bool defers_task_work) {
  static std::mutex guard;
  static std::array<std::optional<capability_mask>, 2> found;
  const std::scoped_lock lock(guard);
  auto& known = found[defers_task_work ? 1 : 0];
  if (!known) {
    auto passed = run(defers_task_work);
    if (!passed) return passed; // it may have been a shortage: not kept
    known = *passed;
  }
  return *known;
}

} // namespace weir
