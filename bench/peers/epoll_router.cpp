// ROUTER to ROUTER over a plain epoll reactor written by hand, C style, no library: the yardstick.
// Level-triggered, always waits before it reads, one large read parsed in place, writes gathered into a
// buffer that leaves when it is full or when there is nothing else to do. Frames and identities are those of
// ZMTP 3.1; of its handshake only a command that carries the routing id is left.
#include "../support/script.hpp"
#include "../support/stream_socket.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/uio.h>

namespace {

constexpr size_t buffer_bytes = 64 * 1024;
constexpr size_t header_bytes_max = 9;
constexpr size_t gather_above_bytes = 8 * 1024; // a larger payload leaves straight from the caller's memory
constexpr size_t id_bytes_max = 255;
constexpr size_t table_slots = 1024; // power of two, more than twice the connections this program can have

enum : unsigned char { flag_long = 0x02, flag_command = 0x04 };

struct connection {
  int fd;
  bool blocked; // the kernel took less than it was offered: EPOLLOUT is armed
  bool dirty;   // in the list of connections to flush
  unsigned char id[id_bytes_max];
  size_t id_bytes;   // 0 until the peer has named itself
  unsigned char* in; // in_capacity bytes, grows to hold the largest frame
  size_t in_begin, in_end, in_capacity;
  unsigned char* out; // out_capacity bytes
  size_t out_begin, out_end, out_capacity;
  connection* next_dirty;
};

struct router {
  int epoll;
  int listener;
  uint64_t spin_ns;
  const char* own_id;
  connection* by_id[table_slots];
  connection* dirty;
  size_t blocked_count;
  bench::call_counts counts;
  void (*deliver)(router*, const connection* from, const unsigned char* payload, size_t bytes);
  void* user;
};

size_t slot_of(const unsigned char* id, size_t bytes) {
  uint64_t hash = bytes;
  for (; bytes >= 8; id += 8, bytes -= 8) {
    uint64_t word;
    memcpy(&word, id, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  for (; bytes != 0; ++id, --bytes) hash = (hash ^ *id) * 0x9e3779b97f4a7c15u;
  return (hash >> 40) & (table_slots - 1);
}

// The slot that holds this id, or the empty one where it belongs.
connection** find_slot(router* r, const unsigned char* id, size_t bytes) {
  size_t i = slot_of(id, bytes);
  while (r->by_id[i] != nullptr &&
         (r->by_id[i]->id_bytes != bytes || memcmp(r->by_id[i]->id, id, bytes) != 0))
    i = (i + 1) & (table_slots - 1);
  return &r->by_id[i];
}

void watch(router* r, int operation, int fd, uint32_t events, void* owner) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (epoll_ctl(r->epoll, operation, fd, &event) != 0) bench::fail_errno("epoll_ctl");
  ++*r->counts.syscalls;
}

void set_blocked(router* r, connection* c, bool blocked) {
  if (c->blocked == blocked) return;
  c->blocked = blocked;
  blocked ? ++r->blocked_count : --r->blocked_count;
  watch(r, EPOLL_CTL_MOD, c->fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
}

// Offers the kernel what is buffered and then `parts[1..]`; returns how many bytes it took.
size_t write_gathered(router* r, connection* c, iovec* parts, size_t n, size_t bytes) {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = n;
  const ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
  ++r->counts.send_calls;
  ++*r->counts.syscalls;
  if (sent < 0 && errno != EAGAIN) bench::fail_errno("sendmsg");
  const size_t taken = sent < 0 ? 0 : size_t(sent);
  set_blocked(r, c, taken < bytes);
  return taken;
}

void flush(router* r, connection* c) {
  if (c->out_begin == c->out_end) return;
  iovec part{c->out + c->out_begin, c->out_end - c->out_begin};
  c->out_begin += write_gathered(r, c, &part, 1, part.iov_len);
  if (c->out_begin == c->out_end) c->out_begin = c->out_end = 0;
}

void flush_all(router* r) {
  for (connection* c = r->dirty; c != nullptr; c = c->next_dirty) {
    c->dirty = false;
    if (!c->blocked) flush(r, c);
  }
  r->dirty = nullptr;
}

// Makes room for `bytes` behind out_end.
void reserve_out(connection* c, size_t bytes) {
  if (c->out_capacity - c->out_end >= bytes) return;
  memmove(c->out, c->out + c->out_begin, c->out_end - c->out_begin);
  c->out_end -= c->out_begin;
  c->out_begin = 0;
  if (c->out_capacity - c->out_end >= bytes) return;
  c->out_capacity = c->out_end + bytes;
  c->out = static_cast<unsigned char*>(realloc(c->out, c->out_capacity));
  if (c->out == nullptr) bench::fail("out of memory");
}

size_t write_header(unsigned char* to, unsigned char flags, size_t bytes) {
  if (bytes < 256) {
    to[0] = flags;
    to[1] = static_cast<unsigned char>(bytes);
    return 2;
  }
  to[0] = flags | flag_long;
  const uint64_t big_endian = __builtin_bswap64(bytes);
  memcpy(to + 1, &big_endian, 8);
  return header_bytes_max;
}

// Header and payload leave in one call, behind what is buffered; only what the kernel refuses is copied.
void send_large(router* r, connection* c, const unsigned char* payload, size_t bytes) {
  reserve_out(c, header_bytes_max);
  c->out_end += write_header(c->out + c->out_end, 0, bytes);
  const size_t buffered = c->out_end - c->out_begin;
  iovec parts[2]{{c->out + c->out_begin, buffered}, {const_cast<unsigned char*>(payload), bytes}};
  const size_t taken = write_gathered(r, c, parts, 2, buffered + bytes);
  if (taken < buffered) {
    c->out_begin += taken;
  } else {
    c->out_begin = c->out_end = 0;
    payload += taken - buffered;
    bytes -= taken - buffered;
  }
  reserve_out(c, bytes);
  memcpy(c->out + c->out_end, payload, bytes);
  c->out_end += bytes;
}

enum class sending : unsigned char { queued, would_block, unreachable };

sending send_to(router* r, const unsigned char* id, size_t id_bytes, const unsigned char* payload,
                size_t bytes) {
  connection* c = *find_slot(r, id, id_bytes);
  if (c == nullptr) return sending::unreachable;
  const bool large = bytes > gather_above_bytes;
  if (c->out_end + header_bytes_max + bytes > buffer_bytes) {
    if (c->blocked) return sending::would_block;
    if (!large) flush(r, c);
    if (c->blocked) return sending::would_block;
  }
  if (large && !c->blocked) {
    send_large(r, c, payload, bytes);
    return sending::queued;
  }
  c->out_end += write_header(c->out + c->out_end, 0, bytes);
  memcpy(c->out + c->out_end, payload, bytes);
  c->out_end += bytes;
  if (!c->dirty) {
    c->dirty = true;
    c->next_dirty = r->dirty;
    r->dirty = c;
  }
  return sending::queued;
}

void add_connection(router* r, int fd) {
  auto* c = static_cast<connection*>(calloc(1, sizeof(connection)));
  c->fd = fd;
  c->in = static_cast<unsigned char*>(malloc(buffer_bytes));
  c->out = static_cast<unsigned char*>(malloc(buffer_bytes));
  c->in_capacity = c->out_capacity = buffer_bytes;
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) bench::fail_errno("fcntl");
  watch(r, EPOLL_CTL_ADD, fd, EPOLLIN, c);
  const size_t id_bytes = strlen(r->own_id);
  c->out_end = write_header(c->out, flag_command, id_bytes);
  memcpy(c->out + c->out_end, r->own_id, id_bytes);
  c->out_end += id_bytes;
  flush(r, c);
}

void on_frame(router* r, connection* c, unsigned char flags, const unsigned char* body, size_t bytes) {
  if (c->id_bytes != 0) {
    r->deliver(r, c, body, bytes);
    return;
  }
  if (!(flags & flag_command) || bytes == 0 || bytes > id_bytes_max) bench::fail("handshake");
  memcpy(c->id, body, bytes);
  c->id_bytes = bytes;
  *find_slot(r, c->id, bytes) = c;
}

// Delivers each whole frame in [in_begin, in_end) and leaves room behind in_end for the rest of the last one.
void parse_frames(router* r, connection* c) {
  size_t missing_from = 0; // bytes of the unfinished frame, as far as known
  for (;;) {
    const unsigned char* at = c->in + c->in_begin;
    const size_t available = c->in_end - c->in_begin;
    if (available < 2) break;
    const bool is_long = at[0] & flag_long;
    const size_t header_bytes = is_long ? header_bytes_max : 2;
    if (available < header_bytes) break;
    uint64_t bytes = at[1];
    if (is_long) {
      memcpy(&bytes, at + 1, 8);
      bytes = __builtin_bswap64(bytes);
    }
    if (available - header_bytes < bytes) {
      missing_from = header_bytes + bytes;
      break;
    }
    c->in_begin += header_bytes + bytes;
    on_frame(r, c, at[0], at + header_bytes, bytes);
  }
  const size_t rest = c->in_end - c->in_begin;
  memmove(c->in, c->in + c->in_begin, rest);
  c->in_begin = 0;
  c->in_end = rest;
  if (missing_from > c->in_capacity) {
    c->in_capacity = missing_from + buffer_bytes;
    c->in = static_cast<unsigned char*>(realloc(c->in, c->in_capacity));
    if (c->in == nullptr) bench::fail("out of memory");
  }
}

// False at the end of the stream.
bool read_frames(router* r, connection* c) {
  const ssize_t n = recv(c->fd, c->in + c->in_end, c->in_capacity - c->in_end, 0);
  ++r->counts.recv_calls;
  ++*r->counts.syscalls;
  if (n < 0 && errno == EAGAIN) {
    ++r->counts.eagain;
    return true;
  }
  if (n < 0) bench::fail_errno("recv");
  r->counts.bytes_received += size_t(n);
  c->in_end += size_t(n);
  parse_frames(r, c);
  return n != 0;
}

constexpr int events_max = 64;

int wait_once(router* r, epoll_event* events, int timeout_ms) {
  const int n = epoll_wait(r->epoll, events, events_max, timeout_ms);
  ++r->counts.waits;
  ++*r->counts.syscalls;
  if (n < 0 && errno != EINTR) bench::fail_errno("epoll_wait");
  return n;
}

// Looks for events for `spin_ns` before it sleeps.
int wait_for_events(router* r, epoll_event* events) {
  if (r->spin_ns != 0) {
    const uint64_t sleep_at_ns = bench::monotonic_ns() + r->spin_ns;
    while (bench::monotonic_ns() < sleep_at_ns)
      if (const int n = wait_once(r, events, 0); n > 0) return n;
  }
  return wait_once(r, events, -1);
}

// One turn: write what is queued, wait, serve what is ready.
void turn(router* r) {
  flush_all(r);
  epoll_event events[events_max];
  const int n = wait_for_events(r, events);
  for (int i = 0; i < n; ++i) {
    auto* c = static_cast<connection*>(events[i].data.ptr);
    if (c == nullptr) {
      const int fd = accept4(r->listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) bench::fail_errno("accept");
      add_connection(r, fd);
      continue;
    }
    if (events[i].events & EPOLLOUT) {
      set_blocked(r, c, false);
      flush(r, c);
    }
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !read_frames(r, c))
      bench::fail("the peer has gone");
  }
}

void init(router* r, const char* own_id, const bench::options& o) {
  r->own_id = own_id;
  r->spin_ns = o.spin_us * 1000;
  r->counts.syscalls = 0;
  r->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (r->epoll < 0) bench::fail_errno("epoll_create1");
}

bench::side_record receive_all(const bench::options& o, const std::function<void()>& on_bound) {
  static router r;
  init(&r, "receiver", o);
  r.listener = bench::listen_on(o.endpoint);
  watch(&r, EPOLL_CTL_ADD, r.listener, EPOLLIN, nullptr);
  on_bound();
  bench::receiving_side side(o, [] { return r.counts; });
  r.user = &side;
  r.deliver = [](router* self, const connection* from, const unsigned char* payload, size_t bytes) {
    auto* receiving = static_cast<bench::receiving_side*>(self->user);
    if (receiving->on_message(payload, bytes) &&
        send_to(self, from->id, from->id_bytes, payload, bytes) != sending::queued)
      bench::fail("receiver", "an answer found no room");
  };
  while (!side.finished()) turn(&r);
  flush_all(&r);
  while (r.blocked_count != 0) turn(&r);
  return side.record();
}

bench::side_record send_all(const bench::options& o) {
  static router r;
  init(&r, "sender", o);
  add_connection(&r, bench::connect_to(o.endpoint));
  bench::sending_side side(o, [] { return r.counts; });
  r.user = &side;
  r.deliver = [](router* self, const connection*, const unsigned char* payload, size_t bytes) {
    static_cast<bench::sending_side*>(self->user)->on_answer(payload, bytes);
  };
  const auto* to = reinterpret_cast<const unsigned char*>("receiver");
  while (!side.finished()) {
    while (!side.waiting()) {
      const auto& payload = side.next();
      while (send_to(&r, to, 8, reinterpret_cast<const unsigned char*>(payload.data()), payload.size()) !=
             sending::queued)
        turn(&r);
      side.on_sent();
    }
    turn(&r);
  }
  return side.record();
}

} // namespace

int main(int argc, char** argv) {
  return bench::run_contestant(bench::parse_options(argc, argv), receive_all, send_all);
}
