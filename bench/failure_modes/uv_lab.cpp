// The failure-mode lab on libuv: the same heartbeat, echo service and misbehaviour, written as libuv's guide
// and examples write them.
#include "lab.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cassert>
#include <deque>

void guilty_handler_spins() {
  lab::spin_for(lab::long_ns);
}
void guilty_handler_blocks() {
  lab::block_for(lab::long_ns);
}
void guilty_handler_fails() {
  std::abort();
} // as a failed assert() does

namespace {

std::string_view scenario;
lab::heartbeat* beats = nullptr;
lab::long_handler_plan* plan = nullptr;
uv_loop_t* loop = nullptr;

void allocate(uv_handle_t*, std::size_t suggested, uv_buf_t* into) {
  *into = uv_buf_init(static_cast<char*>(std::malloc(suggested)), static_cast<unsigned>(suggested));
}
void close_and_free(uv_stream_t* client) {
  uv_close(reinterpret_cast<uv_handle_t*>(client),
           [](uv_handle_t* gone) { delete reinterpret_cast<uv_tcp_t*>(gone); });
}

struct write_request {
  uv_write_t request;
  char* bytes;
};
void on_written(uv_write_t* request, int) {
  auto* whole = reinterpret_cast<write_request*>(request);
  std::free(whole->bytes);
  delete whole;
}
void write(uv_stream_t* to, char* bytes, std::size_t count) {
  auto* whole = new write_request{{}, bytes};
  const uv_buf_t piece = uv_buf_init(bytes, static_cast<unsigned>(count));
  if (uv_write(&whole->request, to, &piece, 1, on_written) != 0) on_written(&whole->request, 0);
}

// ---- The services
// ------------------------------------------------------------------------------------------
void on_echo(uv_stream_t* client, ssize_t got, const uv_buf_t* piece) {
  if (got > 0 && piece->base[0] == '?') guilty_handler_fails();
  if (got > 0) return write(client, piece->base, static_cast<std::size_t>(got));
  std::free(piece->base);
  if (got < 0) close_and_free(client);
}

std::vector<char*> kept;
void on_retain(uv_stream_t* client, ssize_t got, const uv_buf_t* piece) {
  if (got > 0) return kept.push_back(piece->base); // a view of its first bytes
  std::free(piece->base);
  if (got < 0) close_and_free(client);
}

std::deque<char*> work;
void on_work(uv_stream_t* client, ssize_t got, const uv_buf_t* piece) {
  if (got > 0) return work.push_back(piece->base);
  std::free(piece->base);
  if (got < 0) close_and_free(client);
}
void work_slowly(uv_timer_t*) {
  if (work.empty()) return;
  std::free(work.front());
  work.pop_front();
}

void publish(uv_timer_t* ticks) {
  write(static_cast<uv_stream_t*>(ticks->data), static_cast<char*>(std::calloc(1, lab::update_bytes)),
        lab::update_bytes);
}

uv_stream_t* accept_from(uv_stream_t* door) {
  auto* client = new uv_tcp_t;
  uv_tcp_init(loop, client);
  uv_accept(door, reinterpret_cast<uv_stream_t*>(client));
  uv_tcp_nodelay(client, 1);
  return reinterpret_cast<uv_stream_t*>(client);
}
void on_echo_client(uv_stream_t* door, int) {
  uv_read_start(accept_from(door), allocate, on_echo);
}
void on_victim_client(uv_stream_t* door, int) {
  uv_stream_t* client = accept_from(door);
  if (scenario == "E3") {
    auto* ticks = new uv_timer_t;
    uv_timer_init(loop, ticks);
    ticks->data = client;
    uv_timer_start(ticks, publish, 1, 1);
  } else {
    uv_read_start(client, allocate, scenario == "E5" ? on_retain : on_work);
  }
}

unsigned listen_on(uv_tcp_t& door, uv_connection_cb on_client) {
  sockaddr_in at{};
  uv_ip4_addr("127.0.0.1", 0, &at);
  uv_tcp_init(loop, &door);
  uv_tcp_bind(&door, reinterpret_cast<sockaddr*>(&at), 0);
  uv_listen(reinterpret_cast<uv_stream_t*>(&door), 4096, on_client);
  int size_bytes = sizeof at;
  uv_tcp_getsockname(&door, reinterpret_cast<sockaddr*>(&at), &size_bytes);
  return ntohs(at.sin_port);
}

// ---- Misbehaviour of handlers
// ------------------------------------------------------------------------------
std::uint64_t slices_left = 0;
void run_slice(uv_idle_t* idle) {
  lab::spin_for(lab::slice_ns);
  if (--slices_left == 0) uv_idle_stop(idle);
}
uv_idle_t slices;

void take_long(uv_timer_t*) {
  if (!plan->is_due()) return;
  if (scenario == "E6") return guilty_handler_blocks();
  if (scenario == "E1") return guilty_handler_spins();
  slices_left = lab::long_ns / lab::slice_ns;
  uv_idle_start(&slices, run_slice);
}

// libuv has no queue for deferred work: programs write one, and empty it when they are woken.
std::deque<void (*)()> jobs;
std::uint64_t chain_until_ns = 0;
void run_jobs(uv_async_t*) {
  for (; !jobs.empty(); jobs.pop_front()) jobs.front()();
}
void requeue() {
  lab::spin_for(lab::job_ns);
  if (lab::now_ns() < chain_until_ns) jobs.push_back(requeue);
}
uv_async_t job_queue;
void start_chain(uv_timer_t*) {
  chain_until_ns = lab::now_ns() + lab::chain_ns;
  jobs.push_back(requeue);
  uv_async_send(&job_queue);
}

long idle_calls = 0;
uv_poll_t idle_watch;
void watch_idly(uv_timer_t*) {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  if (::send(ends[1], "!", 1, 0) != 1) return;
  uv_poll_init(loop, &idle_watch, ends[0]);
  uv_poll_start(&idle_watch, UV_READABLE, [](uv_poll_t*, int, int) { ++idle_calls; });
}

// ---- Order
// -------------------------------------------------------------------------------------------------
lab::order_log orders;
uv_timer_t due_now;
uv_idle_t deferred;
uv_async_t posted;
void ask(uv_timer_t*) {
  if (!orders.begin()) return;
  uv_timer_start(&due_now, [](uv_timer_t*) { orders.note('t'); }, 0, 0);
  uv_idle_start(&deferred, [](uv_idle_t* self) {
    uv_idle_stop(self);
    orders.note('d');
  });
  uv_async_send(&posted);
}
void ask_in_rounds(uv_timer_t& rounds) {
  uv_timer_init(loop, &due_now);
  uv_idle_init(loop, &deferred);
  uv_async_init(loop, &posted, [](uv_async_t*) { orders.note('p'); });
  uv_timer_start(&rounds, ask, lab::round_ns / lab::ns_per_ms, lab::round_ns / lab::ns_per_ms);
}

void beat(uv_timer_t*) {
  beats->beat();
  if (!beats->is_over()) return;
  if (scenario == "E2") lab::finish(*beats, ", \"calls\": " + std::to_string(idle_calls));
  if (scenario == "E9") lab::finish(*beats, orders.member());
  lab::finish(*beats);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("uv_lab SCENARIO SECONDS\n", stderr), 2;
  scenario = argv[1];
  ::signal(SIGPIPE, SIG_IGN); // as libuv's manual asks for
  loop = uv_default_loop();
  uv_tcp_t echo_door;
  uv_tcp_t victim_door;
  const unsigned echo = listen_on(echo_door, on_echo_client);
  const unsigned victim = listen_on(victim_door, on_victim_client);
  lab::tell_ports(echo, victim);

  lab::heartbeat made(std::atof(argv[2]));
  beats = &made;
  lab::long_handler_plan planned(made);
  plan = &planned;
  uv_timer_t heart;
  uv_timer_init(loop, &heart);
  uv_timer_start(&heart, beat, 1, 1);

  uv_timer_t guilty;
  uv_timer_init(loop, &guilty);
  uv_idle_init(loop, &slices);
  uv_async_init(loop, &job_queue, run_jobs);
  const std::uint64_t calm_ms = lab::calm_ns / lab::ns_per_ms;
  if (scenario == "E1" || scenario == "E1y" || scenario == "E6") uv_timer_start(&guilty, take_long, 1, 1);
  if (scenario == "E2") uv_timer_start(&guilty, watch_idly, calm_ms, 0);
  if (scenario == "E4") uv_timer_start(&guilty, start_chain, calm_ms, 0);
  if (scenario == "E9") ask_in_rounds(guilty);
  if (scenario == "E10") uv_timer_start(&guilty, work_slowly, 1, 1);
  return uv_run(loop, UV_RUN_DEFAULT);
}
