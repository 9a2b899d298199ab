#include "socket_settings.hpp"

#include <weir/async/event.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/base/ring.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>
#include <weir/net/stale_path.hpp>

#include <cerrno>
#include <new>

namespace weir {

/// Lives until its accept has ended, also when its listener is gone before.
class listener::core {
 public:
  core(loop& home, descriptor socket, const address& at, std::size_t accepted_max) noexcept
      : local(at), home_(home), socket_(std::move(socket)), accepted_max_(accepted_max),
        accept_(*this, socket_.get()) {}

  int descriptor_number() const noexcept { return socket_.get(); }
  bool accepts_on_demand() const noexcept { return accepted_max_ == 0; }
  void start_accepting() noexcept {
    if (accepts_on_demand()) return;
    paused_ = false;
    home_.start(accept_);
  }
  /// After a connection was taken, or an error was reported.
  void taken() noexcept {
    if (accept_.is_idle() && !is_stopping_ && accepted.size() <= accepted_max_ / 2) start_accepting();
  }
  void stop() noexcept {
    if (std::exchange(is_stopping_, true)) return;
    home_.cancel(accept_);
    if (accept_.is_idle()) take_rest();
  }
  bool has_stopped() const noexcept { return is_stopping_ && !socket_; }
  void abandon() noexcept {
    abandoned_ = true;
    home_.cancel(accept_);
    if (accept_.is_idle()) end();
  }
  static task<> closed(core* orphan) {
    event done(event_reset::manual);
    orphan->closed_ = &done;
    listener::abandon()(orphan);
    (void)co_await done.wait();
  }

  address local;
  bool owns_path = false;
  ring<descriptor> accepted;
  std::optional<error> failure; ///< reported once, then accepting goes on
  event arrived{event_reset::manual};

 private:
  struct accept_many : accept_operation {
    accept_many(core& of, int socket) noexcept
        : accept_operation(socket, true,
                           [](operation& op, completion&& what) noexcept {
                             static_cast<accept_many&>(op).owner.on_accepted(what);
                           }),
          owner(of) {}
    core& owner;
  };

  void on_accepted(const completion& what) noexcept {
    if (what.result >= 0) keep(descriptor(what.result));
    if (what.more) return;
    if (abandoned_) return end();
    if (is_stopping_) return take_rest();
    if (what.result < 0 && !(paused_ && what.result == -ECANCELED))
      failure = error::from_errno(what.result, "accept");
    if (!failure) taken();
    arrived.set();
  }

  void keep(descriptor connection) noexcept {
    try {
      accepted.push_back(std::move(connection));
    } catch (const std::bad_alloc&) {
      failure = error(std::errc::not_enough_memory, "accept");
    }
    if (accepted.size() >= accepted_max_) {
      paused_ = true;
      home_.cancel(accept_);
    }
    arrived.set();
  }

  /// Where processes share a socket, the kernel may have told this one alone of a connection, in the very
  /// moment in which it stopped to accept: the others would not look for it.
  void take_rest() noexcept {
    while (accepted.size() < accepted_max_) {
      descriptor connection(calls().accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection)
        keep(std::move(connection));
      else if (errno != ECONNABORTED && errno != EINTR)
        break;
    }
    socket_.reset();
    arrived.set();
  }

  void end() noexcept {
    event* const closed = closed_;
    delete this;
    if (closed) closed->set();
  }

  loop& home_;
  descriptor socket_;
  event* closed_ = nullptr; ///< of who waits for the end
  std::size_t accepted_max_;
  accept_many accept_;
  bool paused_ = false;
  bool abandoned_ = false;
  bool is_stopping_ = false;
};

namespace {

result<> set_up(int socket, const address& at, const listen_options& options) {
  const socket_setting settings[] = {
      {options.reuse_address, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
      {options.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
      {at.family() == AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only, "IPV6_V6ONLY"},
  };
  result<> done = apply(settings, socket);
  if (!done) return fail(std::move(done).error().at(at.to_string()));
  return {};
}

} // namespace

void listener::abandon::operator()(core* orphan) const noexcept {
  if (orphan->owns_path) calls().unlink(orphan->local.unix_path().c_str());
  orphan->abandon();
}

result<descriptor> listener::open(const address& at, const listen_options& options) {
  const auto failed = [&](const char* operation) {
    return fail(error::from_errno(errno, operation).at(at.to_string()));
  };

  descriptor socket(calls().socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failed("socket");
  if (!at.is_unix()) {
    if (result<> done = set_up(socket.get(), at, options); !done) return fail(std::move(done).error());
  } else if (options.replace_stale_path && !at.unix_path().empty()) {
    remove_stale_path(at, SOCK_STREAM);
  }
  if (calls().bind(socket.get(), at.raw(), at.raw_bytes()) != 0) return failed("bind");
  if (calls().listen(socket.get(), options.backlog) != 0) return failed("listen");
  return socket;
}

result<listener> listener::bind(const address& at, const listen_options& options) {
  if (!loop::current()) return fail(errc::invalid_argument, "listener::bind outside of a loop");
  result<descriptor> socket = open(at, options);
  if (!socket) return fail(std::move(socket).error());
  result<listener> made = adopt(std::move(*socket), options);
  if (made) made->core_->owns_path = !at.unix_path().empty();
  return made;
}

result<listener> listener::adopt(descriptor socket, const listen_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "listener::adopt outside of a loop");
  int listens = 0;
  socklen_t size = sizeof listens;
  if (calls().getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
    return fail(error::from_errno(errno, "listener::adopt"));
  if (listens == 0) return fail(errc::invalid_argument, "listener::adopt: the socket does not listen");
  const int status = calls().fcntl(socket.get(), F_GETFL, 0);
  if (status < 0 || calls().fcntl(socket.get(), F_SETFL, status | O_NONBLOCK) != 0)
    return fail(error::from_errno(errno, "fcntl"));

  auto local = address::local_of(socket.get());
  if (!local) return fail(std::move(local).error());
  listener made(new core(*home, std::move(socket), *local, options.accepted_max));
  made.core_->start_accepting();
  return made;
}

void listener::stop() noexcept {
  core_->stop();
}

task<> listener::close() {
  task<> closing = core::closed(core_.get()); // made first: without memory the listener stays whole
  core_.release();
  co_await shield(std::move(closing));
}

task<result<stream>> listener::accept(stream_options options) {
  result<descriptor> connection = co_await accept_descriptor();
  if (!connection) co_return fail(std::move(connection).error());
  co_return stream::adopt(std::move(*connection), options);
}

task<result<descriptor>> listener::accept_descriptor() {
  core& self = *core_;
  if (self.accepts_on_demand()) {
    result<descriptor> connection = co_await async_accept(self.descriptor_number());
    co_return connection;
  }
  while (self.accepted.empty()) {
    if (self.failure) {
      error why = *std::exchange(self.failure, std::nullopt);
      self.taken();
      co_return fail(std::move(why));
    }
    if (self.has_stopped()) co_return fail(errc::closed, "accept");
    self.arrived.reset();
    result<void> woken = co_await self.arrived.wait();
    if (!woken) co_return fail(std::move(woken).error());
  }
  descriptor connection = self.accepted.pop_front();
  self.taken();
  co_return connection;
}

const address& listener::local_address() const noexcept {
  return core_->local;
}

int listener::native_handle() const noexcept {
  return core_->descriptor_number();
}

} // namespace weir
