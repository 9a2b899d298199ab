// Fuzzes operations on the real kernel: the input chooses a backend with its bounds, and then, byte by byte,
// what is started, cancelled, closed, dropped, and what the peers do meanwhile. It keeps the preconditions of
// docs/operations.md and checks what is promised there: each start ends once, memory is left alone after the
// end, bytes and messages are neither lost nor doubled, cancelled or not, and at the end nothing is owed: no
// operation, no slot, no descriptor.
//
//   operations_fuzzer -max_len=400 tests/fuzz/corpus/operations
#include "operations_world.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace weir::fuzz {
namespace {

constexpr std::size_t acts_max = 64;
/// Counted in turns, not on the clock: a process may be stopped for as long as it takes.
constexpr int turns_in_vain_max = 500;
constexpr std::uint64_t turn_max_ns = 20'000'000;

class session final : public listener_of_acts {
 public:
  explicit session(choices& decide) : decide_(decide), loop_(make_loop(decide)) {
    make_connections();
    file_ = descriptor(::memfd_create("fuzz", MFD_CLOEXEC));
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2");
    pipe_out_ = descriptor(ends[0]);
    pipe_in_ = descriptor(ends[1]);
  }

  void run() {
    while (!decide_.empty()) step();
    finish();
  }

 private:
  // --- the world

  void make_connections() {
    for (connection& each : streams_) {
      int ends[2];
      require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
      each.ours = descriptor(ends[0]);
      each.theirs = descriptor(ends[1]);
    }
    listener_ = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::bind(listener_.get(), address(), sizeof address_) == 0 && ::listen(listener_.get(), 8) == 0,
            "listen");
    socklen_t bytes = sizeof address_;
    ::getsockname(listener_.get(), address(), &bytes);
    connect_by_hand(streams_[1]);
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    datagrams_.ours = descriptor(ends[0]);
    datagrams_.theirs = descriptor(ends[1]);
  }

  sockaddr* address() noexcept { return reinterpret_cast<sockaddr*>(&address_); }

  void connect_by_hand(connection& which) {
    which.theirs = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(which.theirs.get(), address(), sizeof address_);
    require(becomes_readable(listener_.get()), "a connection over loopback");
    which.ours = descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    require(static_cast<bool>(which.ours), "accept4");
  }

  // --- what the input asks for

  void step() {
    switch (decide_.byte() % 8) {
    case 0:
    case 1:
      return start_stream_act();
    case 2:
      return start_other_act();
    case 3:
      return decide_.yes() ? start_message_act() : start_file_act();
    case 4:
      if (act* const which = any_act()) loop_->cancel(which->op());
      return;
    case 5:
      return decide_.yes() ? let_peer_act() : let_peer_send_message();
    case 6:
      return drop_something();
    default:
      loop_->turn(0);
    }
  }

  act* any_act() { return acts_.empty() ? nullptr : acts_[decide_.below(acts_.size())].get(); }

  template <class Operation, class... Arguments>
  act_of<Operation>* add(std::size_t bytes, Arguments... arguments) {
    if (acts_.size() >= acts_max) return nullptr;
    auto made = std::make_unique<act_of<Operation>>(*this, bytes, arguments...);
    act_of<Operation>* const there = made.get();
    acts_.push_back(std::move(made));
    return there;
  }
  void begin(act* which, tally* to = nullptr, tally* from = nullptr) {
    if (!which) return;
    which->to = to;
    which->from = from;
    which->start(*loop_);
  }

  void start_stream_act() {
    connection& on = streams_[decide_.below(streams_.size())];
    const int number = on.ours.get();
    const std::size_t bytes = 1 + decide_.byte() * std::size_t{40};
    switch (decide_.below(7)) {
    case 0: {
      auto* const made = add<receive_operation>(bytes, number, own_memory());
      if (made) made->wait_for_all = decide_.yes();
      return begin(made, &on.received);
    }
    case 1:
      return begin(add<receive_many_operation>(0, number), &on.received);
    case 2:
      return begin(add<send_operation>(bytes, number, own_memory()), nullptr, &on.sent);
    case 3:
      return begin(add<send_zero_copy_operation>(bytes, number, own_memory()), nullptr, &on.sent);
    case 4: {
      auto* const made = add<send_gathered_operation>(bytes, number);
      if (made) made->set_pieces(pieces_of(*made), 2);
      return begin(made, nullptr, &on.sent);
    }
    case 5:
      return begin(
          add<poll_operation>(0, number, decide_.yes() ? std::uint32_t{POLLIN} : std::uint32_t{POLLOUT}));
    default:
      return close_or_shut(on);
    }
  }

  /// Of a piece of memory that lives as long as the session.
  iovec* pieces_of(act& which) {
    auto& pieces = pieces_.emplace_back(std::make_unique<std::array<iovec, 2>>());
    const std::span<std::byte> all = which.memory();
    (*pieces)[0] = {all.data(), all.size() / 2};
    (*pieces)[1] = {all.data() + all.size() / 2, all.size() - all.size() / 2};
    return pieces->data();
  }

  void close_or_shut(connection& on) {
    if (!on.ours || decide_.byte() % 4 != 0) return;
    on.is_whole = false;
    if (decide_.yes())
      return begin(add<shutdown_operation>(0, on.ours.get(), static_cast<int>(decide_.below(3))));
    if (is_in_use(on.ours.get())) return; // the precondition of close
    if (act* const made = add<close_operation>(0, on.ours.get())) {
      on.ours.release();
      begin(made);
    }
  }

  bool is_in_use(int number) {
    return std::ranges::any_of(
        acts_, [&](auto& each) { return !each->is_idle() && each->op().descriptor() == number; });
  }

  void start_other_act() {
    switch (decide_.below(5)) {
    case 0:
      return begin(add<nop_operation>(0));
    case 1:
      return begin(add<accept_operation>(0, listener_.get(), decide_.yes()));
    case 2: {
      descriptor& socket =
          connecting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      return begin(add<connect_operation>(0, socket.get(), address(), socklen_t{sizeof address_}));
    }
    case 3:
      return begin(add<receive_operation>(1, -1, own_memory())); // not open
    default:
      return begin(add<poll_operation>(0, pipe_out_.get(), std::uint32_t{POLLIN}));
    }
  }

  void start_message_act() {
    const int number = datagrams_.ours.get();
    switch (decide_.below(3)) {
    case 0: {
      auto* const made = add<receive_message_operation>(200, number);
      if (!made) return;
      made->pieces = std::span(pieces_of(*made), 2);
      made->control = std::span(controls_.emplace_back(std::make_unique<control_memory>())->bytes);
      return begin(made, &datagrams_.received);
    }
    case 1:
      return begin(
          add<receive_message_many_operation>(
              0, number, std::span(controls_.emplace_back(std::make_unique<control_memory>())->bytes)),
          &datagrams_.received);
    default: {
      auto* const made = add<send_message_operation>(100, number);
      if (made) made->set_pieces(std::span(pieces_of(*made), 2));
      return begin(made, nullptr, &datagrams_.sent);
    }
    }
  }

  void start_file_act() {
    const int number = file_.get();
    const std::uint64_t offset = decide_.byte() * std::uint64_t{100};
    switch (decide_.below(6)) {
    case 0:
      return begin(add<open_operation>(0, AT_FDCWD, "/dev/null", O_RDONLY, mode_t{0}));
    case 1:
      return begin(add<read_at_operation>(1'000, number, offset, own_memory()));
    case 2:
      return begin(add<write_at_operation>(1'000, number, offset, own_memory()));
    case 3:
      return begin(add<sync_operation>(0, number, true));
    case 4:
      return begin(add<splice_operation>(0, number, std::int64_t{0}, pipe_in_.get(),
                                         splice_operation::no_offset, std::uint32_t{5'000}));
    default: {
      auto* const made =
          add<status_operation>(sizeof(struct statx), number, "", AT_EMPTY_PATH, unsigned{STATX_BASIC_STATS},
                                static_cast<struct statx*>(nullptr));
      if (made) made->into = reinterpret_cast<struct statx*>(made->memory().data());
      return begin(made);
    }
    }
  }

  // --- the peers, by plain calls

  void let_peer_act() {
    connection& on = streams_[decide_.below(streams_.size())];
    std::array<std::byte, 4'000> bytes;
    const std::size_t count = 1 + decide_.byte() * std::size_t{15};
    switch (decide_.below(8)) {
    case 0:
      if (decide_.byte() % 8 != 0) return;
      on.is_whole = false;
      return on.theirs.reset();
    case 1:
    case 2:
    case 3:
      return take(on, std::span(bytes).first(count));
    case 4: {
      const ssize_t got = ::read(pipe_out_.get(), bytes.data(), count);
      return require(got != 0, "a pipe that is open has no end");
    }
    default:
      std::ranges::fill(bytes, static_cast<std::byte>(next_fill_++));
      const ssize_t put = ::send(on.theirs.get(), bytes.data(), count, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) on.given.add(std::span(bytes).first(static_cast<std::size_t>(put)));
    }
  }

  /// With a descriptor at times, which belongs to who receives it.
  void let_peer_send_message() {
    std::array<std::byte, 150> bytes;
    std::ranges::fill(bytes, std::byte{'d'});
    iovec piece{bytes.data(), decide_.below(bytes.size())};
    control_memory control;
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (decide_.yes()) {
      header.msg_control = control.bytes.data();
      header.msg_controllen = CMSG_LEN(sizeof(int));
      cmsghdr* const first = CMSG_FIRSTHDR(&header);
      first->cmsg_level = SOL_SOCKET;
      first->cmsg_type = SCM_RIGHTS;
      first->cmsg_len = CMSG_LEN(sizeof(int));
      const int shared = file_.get();
      std::memcpy(CMSG_DATA(first), &shared, sizeof shared);
    }
    if (::sendmsg(datagrams_.theirs.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
      ++datagrams_.given.count;
  }

  // --- completions

  void heard(act& who, completion&& what) override {
    const operation_kind kind = who.op().kind();
    const bool makes_descriptor =
        kind == operation_kind::accept || kind == operation_kind::accept_many || kind == operation_kind::open;
    if (makes_descriptor && what.result >= 0) descriptor(what.result).reset();
    if (kind == operation_kind::receive_message && what.result >= 0)
      close_received(static_cast<receive_message_operation&>(who.op()).control_data());
    if (kind == operation_kind::receive_message_many && what.result >= 0)
      close_received(message_view(what.data.bytes(), control_memory::size).control());
    count(who, what);
    if (!what.data.bytes().empty() && decide_.byte() % 4 == 1) held_.push_back(std::move(what.data));
    if (what.more || is_finishing_) return;
    const std::uint8_t next = decide_.byte() % 4;
    if (next == 1 && kind != operation_kind::close) who.start(*loop_); // its number may be another's by now
    if (next == 2) std::erase_if(acts_, [&](auto& each) { return each.get() == &who; });
  }

  void count(act& who, const completion& what) noexcept {
    if (what.result < 0) return;
    const auto bytes = static_cast<std::size_t>(what.result);
    const bool is_message = who.to == &datagrams_.received || who.from == &datagrams_.sent;
    if (is_message) {
      ++(who.to ? who.to : who.from)->count;
    } else if (who.to) {
      who.to->add(who.op().kind() == operation_kind::receive_many
                      ? what.data.bytes()
                      : std::span<const std::byte>(who.memory()).first(bytes));
    } else if (who.from) {
      who.from->add(who.memory().first(bytes));
    }
  }

  void close_received(std::span<const std::byte> control) {
    if (control.size() < CMSG_LEN(sizeof(int))) return;
    int number = -1;
    std::memcpy(&number, control.data() + CMSG_LEN(0), sizeof number);
    require(::close(number) == 0, "a descriptor that was received is open");
  }

  void drop_something() {
    if (!held_.empty() && decide_.yes()) {
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(decide_.below(held_.size())));
      return;
    }
    std::erase_if(acts_, [](auto& each) { return each->is_idle(); });
  }

  // --- the end

  void finish() {
    is_finishing_ = true;
    held_.clear();
    for (auto& each : acts_) loop_->cancel(each->op());
    for (int turns_in_vain = 0; loop_->outstanding() != 0; ++turns_in_vain) {
      require(turns_in_vain < turns_in_vain_max, "what was cancelled ends", loop_->dump());
      const std::size_t before = loop_->outstanding();
      loop_->turn(loop_->backend().now_ns() + turn_max_ns);
      if (loop_->outstanding() < before) turns_in_vain = 0;
      // Memory that a zero-copy send has given away comes back when the peer has read it, cancelled or not.
      std::array<std::byte, 4'096> bytes;
      for (connection& each : streams_) take(each, bytes);
    }
    loop_->turn(0);
    acts_.clear();
    const bool has_ring = loop_->backend().capabilities().has(capability::provided_buffers);
    require(loop_->buffers().slots_in_use() <= (has_ring ? loop_->options().io.ring_slots : 0),
            "all slots are back");
    for (connection& each : streams_) check(each);
    check_datagrams();
  }

  void check_datagrams() {
    std::array<std::byte, 200> bytes;
    while (::recv(datagrams_.ours.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0)
      ++datagrams_.received.count;
    while (::recv(datagrams_.theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0)
      ++datagrams_.taken.count;
    require(datagrams_.received.count == datagrams_.given.count, "messages that were sent arrive, each once");
    require(datagrams_.taken.count == datagrams_.sent.count,
            "messages that operations sent arrive, each once");
  }

  choices& decide_;
  std::array<connection, 2> streams_;
  connection datagrams_;
  descriptor listener_, file_, pipe_out_, pipe_in_;
  sockaddr_in address_{};
  std::vector<descriptor> connecting_;
  std::vector<std::unique_ptr<std::array<iovec, 2>>> pieces_;
  std::vector<std::unique_ptr<control_memory>> controls_;
  std::vector<std::unique_ptr<act>> acts_;
  std::unique_ptr<loop> loop_;
  std::vector<lease> held_;
  std::uint8_t next_fill_ = 1;
  bool is_finishing_ = false;
};

} // namespace
} // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t open_before = weir::fuzz::open_descriptors();
  {
    weir::fuzz::choices decide(std::span(data, size));
    weir::fuzz::session(decide).run();
  }
  weir::fuzz::require(weir::fuzz::open_descriptors() == open_before, "all descriptors are back");
  return 0;
}
