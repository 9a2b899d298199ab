#include <weir/io/thread_clock.hpp>
#include <weir/net/stale_path.hpp>
#include <weir/runtime/dump.hpp>
#include <weir/runtime/inspector.hpp>
#include <weir/runtime/metrics.hpp>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace weir {
namespace {

constexpr std::uint64_t question_patience_ns = 1'000'000'000;
constexpr std::uint64_t answer_patience_ns = 5'000'000'000;
constexpr std::uint64_t retry_ns = 50'000'000;
constexpr std::size_t question_bytes_max = 4096;
constexpr int inspector_backlog = 16;

std::string http_answer(std::string_view status, std::string_view type, std::string_view body) {
  std::string text = "HTTP/1.0 ";
  text.append(status).append("\r\nContent-Type: ").append(type);
  text.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  text.append("\r\nConnection: close\r\n\r\n").append(body);
  return text;
}

} // namespace

result<std::unique_ptr<inspector>> inspector::open(std::string path, metrics_registry& loops) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(error(std::errc::filename_too_long, "inspector").at(path));
  const result<address> at = address::unix_path(path);
  if (!at) return fail(at.error());
  descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  descriptor ending(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!listener || !ending) return fail(error::from_errno(errno, "inspector"));
  remove_stale_path(*at, SOCK_STREAM);
  // The mode of a path that bind makes is that of the socket (unix(7)): there is no moment in which others
  // may connect.
  if (::fchmod(listener.get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(listener.get(), at->raw(), at->raw_bytes()) != 0)
    return fail(error::from_errno(errno, "bind").at(path));
  if (::listen(listener.get(), inspector_backlog) != 0) {
    const int why = errno;
    ::unlink(path.c_str());
    return fail(error::from_errno(why, "listen").at(path));
  }
  std::error_code why;
  try {
    return std::unique_ptr<inspector>(new inspector(path, loops, std::move(listener), std::move(ending)));
  } catch (const std::system_error& no_thread) {
    why = no_thread.code();
  } catch (const std::bad_alloc&) {
    why = std::make_error_code(std::errc::not_enough_memory);
  }
  ::unlink(path.c_str());
  return fail(error(why, "inspector"));
}

inspector::inspector(std::string path, metrics_registry& loops, descriptor listener, descriptor ending)
    : path_(std::move(path)), loops_(loops), listener_(std::move(listener)), ending_(std::move(ending)),
      thread_([this] { serve(); }) {}

inspector::~inspector() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(ending_.get(), &one, sizeof one);
  thread_.join();
  ::unlink(path_.c_str());
}

// --- the thread ---

void inspector::serve() {
  ::pthread_setname_np(::pthread_self(), "weir-inspector");
  constexpr std::uint64_t for_ever = ~std::uint64_t{0};
  while (wait_for(listener_.get(), POLLIN, for_ever)) {
    const descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
      wait_for(ending_.get(), 0, thread_clock::now_ns() + retry_ns); // without descriptors it would spin
      continue;
    }
    try {
      serve_one(client.get());
    } catch (const std::exception&) { // out of memory: the next one may ask for less
    }
  }
}

/// False when the time is over or the inspector is to end.
bool inspector::wait_for(int client, short events, std::uint64_t until_ns) {
  std::array<pollfd, 2> watched = {{{client, events, 0}, {ending_.get(), POLLIN, 0}}};
  for (;;) {
    const std::uint64_t left_ns = until_ns - std::min(until_ns, thread_clock::now_ns());
    const auto timeout_ms = static_cast<int>(std::min<std::uint64_t>(left_ns / 1'000'000 + 1, 1u << 30));
    const int ready = ::poll(watched.data(), watched.size(), left_ns == 0 ? 0 : timeout_ms);
    if (watched[1].revents != 0) return false;
    if (ready > 0) return true;
    if (left_ns == 0) return false;
    if (ready < 0) std::this_thread::yield(); // interrupted, or without memory: no reason to end
  }
}

void inspector::serve_one(int client) {
  const std::string question = read_question(client);
  if (!question.empty()) write_answer(client, answer(question));
}

/// The first line of the request; of an HTTP request all lines are read, lest our close reset the connection.
std::string inspector::read_question(int client) {
  const std::uint64_t until_ns = thread_clock::now_ns() + question_patience_ns;
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos && text.find("\n\n") == std::string::npos) {
    std::array<char, 1024> piece;
    if (text.size() > question_bytes_max || !wait_for(client, POLLIN, until_ns)) return {};
    const ssize_t got = ::recv(client, piece.data(), piece.size(), 0);
    if (got <= 0) return {};
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text.substr(0, text.find_first_of("\r\n"));
}

std::string inspector::answer(std::string_view question) {
  constexpr std::string_view method = "GET ";
  if (!question.starts_with(method)) return http_answer("405 Method Not Allowed", "text/plain", "only GET\n");
  std::string_view path = question.substr(method.size());
  path = path.substr(0, path.find(' '));
  if (path == "/metrics")
    return http_answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", prometheus_text(loops_));
  if (path == "/snapshot") return http_answer("200 OK", "application/json", metrics_json(loops_) + "\n");
  if (path == "/dump") return http_answer("200 OK", "text/plain; charset=utf-8", dump_all(loops_));
  return http_answer("404 Not Found", "text/plain", "there are /metrics, /snapshot and /dump\n");
}

void inspector::write_answer(int client, std::string_view text) {
  const std::uint64_t until_ns = thread_clock::now_ns() + answer_patience_ns;
  while (!text.empty() && wait_for(client, POLLOUT, until_ns)) {
    const ssize_t sent = ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

} // namespace weir
