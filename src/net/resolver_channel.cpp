#include "resolver_channel.hpp"

#include <weir/io/platform/sockets.hpp>

#include <netdb.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

namespace weir {
namespace {

error error_of_status(int status, const std::string& name) {
  const auto code = [&]() -> std::error_code {
    switch (status) {
    case ARES_ENOTFOUND:
      return make_error_code(resolve_errc::name_not_found);
    case ARES_ENODATA:
      return make_error_code(resolve_errc::no_data);
    case ARES_ETIMEOUT:
      return std::make_error_code(std::errc::timed_out);

    case ARES_EBADRESP:
      return make_error_code(resolve_errc::bad_answer);
    case ARES_EBADNAME:
      return make_error_code(errc::invalid_argument);
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return make_error_code(errc::closed);
    case ARES_ENOMEM:
      return std::make_error_code(std::errc::not_enough_memory);
    default: // c-ares 1.18 says ECONNREFUSED for servers that failed and for those that are not there
      return make_error_code(resolve_errc::server_failure);
    }
  };
  return error(code(), "resolve").at(name);
}

std::chrono::seconds seconds_of(int ttl) noexcept {
  return std::chrono::seconds(std::max(ttl, 0)); // RFC 2181, 8: a negative one is zero
}

/// The life of an answer is that of its shortest-lived record, aliases included.
name_answer answer_of(const ares_addrinfo& found, std::size_t addresses_max) {
  name_answer answer;
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_cname* each = found.cnames; each; each = each->next)
    ttl = std::min(ttl, each->ttl);
  for (const ares_addrinfo_node* each = found.nodes; each; each = each->ai_next) {
    ttl = std::min(ttl, each->ai_ttl);
    if (answer.addresses.size() < addresses_max)
      answer.addresses.emplace_back(each->ai_addr, static_cast<socklen_t>(each->ai_addrlen));
  }
  answer.ttl = seconds_of(ttl);
  return answer;
}

/// Tells the question what `make` gives; nothing may be thrown through c-ares.
template <class Make>
void tell(channel_question& question, int status, Make make) noexcept {
  name_answer answer;
  try {
    if (status == ARES_SUCCESS)
      answer = make();
    else
      answer.failure = error_of_status(status, question.host);
  } catch (const std::bad_alloc&) {
    answer.failure = error(std::errc::not_enough_memory, "resolve");
  }
  question.told(question, std::move(answer));
}

void addresses_came(void* argument, int status, int, ares_addrinfo* found) noexcept {
  auto& question = *static_cast<channel_question*>(argument);
  if (status == ARES_SUCCESS && (!found || !found->nodes)) status = ARES_ENODATA;
  tell(question, status, [&] { return answer_of(*found, question.addresses_max); });
  if (found) ares_freeaddrinfo(found);
}

void host_came(void* argument, int status, int, hostent* found) noexcept {
  if (status == ARES_SUCCESS && (!found || !found->h_name)) status = ARES_ENODATA;
  tell(*static_cast<channel_question*>(argument), status, [&] {
    name_answer answer;
    answer.host = found->h_name;
    return answer;
  });
}

error error_of_open(int status, const char* operation, const std::string& file) {
  if (status == ARES_ENOMEM) return error(std::errc::not_enough_memory, operation);
  return error(errc::invalid_argument, operation).at(file + ": " + ares_strerror(status));
}

int initialise_library() noexcept {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

/// As c-ares wants servers: a list of nodes with ports.
int set_servers(ares_channel channel, const std::vector<address>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ares_addr_port_node& node = nodes[i];
    node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    node.family = servers[i].family();
    node.udp_port = node.tcp_port = servers[i].port();
    if (node.family == AF_INET)
      node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(servers[i].raw())->sin_addr;
    else
      std::memcpy(&node.addr.addr6, &reinterpret_cast<const sockaddr_in6*>(servers[i].raw())->sin6_addr,
                  sizeof node.addr.addr6);
  }
  return ares_set_servers_ports(channel, nodes.data());
}

} // namespace

// --- life ---

result<std::unique_ptr<resolver_channel>> resolver_channel::open(const resolver_options& options) {
  if (const int status = initialise_library(); status != ARES_SUCCESS)
    return fail(error_of_open(status, "ares_library_init", ""));
  std::unique_ptr<resolver_channel> made(new resolver_channel(options));

  ares_options wanted{};
  int which = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
              ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
  char lookups[] = "b"; // the hosts file is ours: c-ares would read it on the loop, at every question
  wanted.flags = ARES_FLAG_NOALIASES; // another file
  wanted.timeout = static_cast<int>(std::clamp<std::int64_t>(options.query_timeout.count(), 1, 60'000));
  wanted.tries = static_cast<int>(std::clamp(options.tries, 1u, 16u));
  wanted.lookups = lookups;
  wanted.sock_state_cb = &resolver_channel::socket_changed;
  wanted.sock_state_cb_data = made.get();
  wanted.resolvconf_path = const_cast<char*>(options.resolv_conf.c_str());
  std::vector<char*> domains;
  if (options.search) {
    which |= ARES_OPT_DOMAINS;
    for (const std::string& each : *options.search) domains.push_back(const_cast<char*>(each.c_str()));
    wanted.domains = domains.data();
    wanted.ndomains = static_cast<int>(domains.size());
  }
  int status = ares_init_options(&made->channel_, &wanted, which);
  if (status == ARES_SUCCESS && !options.servers.empty())
    status = set_servers(made->channel_, options.servers);
  if (status != ARES_SUCCESS) return fail(error_of_open(status, "open resolver", options.resolv_conf));
  return made;
}

resolver_channel::~resolver_channel() {
  if (channel_) ares_destroy(channel_);
  timeout_.unlink();
}

void resolver_channel::attach(loop& home, void (*on_settled)(void*) noexcept, void* context) noexcept {
  home_ = &home;
  on_settled_ = on_settled;
  context_ = context;
}

// --- questions ---

void resolver_channel::ask(channel_question& question) noexcept {
  question.addresses_max = addresses_max_;
  if (question.family == AF_UNSPEC) {
    const sockaddr* raw = question.of.raw();
    const bool is_v4 = question.of.family() == AF_INET;
    const void* number = is_v4
                             ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(raw)->sin_addr)
                             : &reinterpret_cast<const sockaddr_in6*>(raw)->sin6_addr;
    ares_gethostbyaddr(channel_, number, is_v4 ? 4 : 16, question.of.family(), host_came, &question);
  } else {
    ares_addrinfo_hints hints{};
    hints.ai_family = question.family;
    hints.ai_flags = ARES_AI_NOSORT; // sorting opens a socket an address
    ares_getaddrinfo(channel_, question.host.c_str(), nullptr, &hints, addresses_came, &question);
  }
  arm_timer();
}

// --- sockets and time ---

resolver_channel::query_timer::query_timer(resolver_channel& of) noexcept
    : timer([](timer& self) noexcept {
        static_cast<query_timer&>(self).owner.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      }),
      owner(of) {}

/// The library learns of errors and hang-ups by its own call.
void resolver_channel::socket_watch::ready(void* self, readiness seen) noexcept {
  const auto& me = *static_cast<socket_watch*>(self);
  const bool is_broken = any(seen & (readiness::hangup | readiness::failed));
  const readiness wanted = me.watched.interest();
  const auto serves = [&](readiness which) {
    return any(seen & which) || (is_broken && any(wanted & which));
  };
  const int readable = serves(readiness::readable) ? me.descriptor : ARES_SOCKET_BAD;
  const int writable = serves(readiness::writable) ? me.descriptor : ARES_SOCKET_BAD;
  me.owner.process(readable, writable); // may close the socket, and destroy the watch
}

/// Neither readable nor writable: c-ares is about to close it.
void resolver_channel::socket_changed(void* self, int descriptor, int readable, int writable) noexcept {
  auto& me = *static_cast<resolver_channel*>(self);
  readiness wanted = readiness::none;
  if (readable) wanted = wanted | readiness::readable;
  if (writable) wanted = wanted | readiness::writable;
  const auto found = me.sockets_.find(descriptor);
  if (!any(wanted)) {
    if (found != me.sockets_.end()) me.sockets_.erase(found);
  } else if (found != me.sockets_.end()) {
    found->second.watched.set_interest(wanted);
  } else {
    try {
      me.sockets_.try_emplace(descriptor, me, descriptor, wanted);
    } catch (const std::bad_alloc&) {
      // Unwatched: the question on it ends with its time-out.
    }
  }
}

void resolver_channel::process(int readable, int writable) noexcept {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
  on_settled_(context_);
}

void resolver_channel::arm_timer() noexcept {
  timeval storage{};
  const timeval* left = ares_timeout(channel_, nullptr, &storage);
  if (!left) return timeout_.unlink();
  constexpr std::uint64_t slack_ns =
      1'000'000; // c-ares counts milliseconds: else it would be asked too early
  const std::uint64_t left_ns = static_cast<std::uint64_t>(left->tv_sec) * 1'000'000'000 +
                                static_cast<std::uint64_t>(left->tv_usec) * 1000;
  home_->arm(timeout_, home_->now_ns() + left_ns + slack_ns);
}

} // namespace weir
