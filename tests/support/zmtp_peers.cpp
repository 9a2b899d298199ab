#include <support/zmtp_peers.hpp>

#include <algorithm>

namespace weir::zmtp::test {

// --- what a socket tells ---

void event_log::listen_to(socket_options& options) {
  options.on_event = [this](const socket_event& event) {
    std::optional<error> reason;
    if (event.reason) reason = *event.reason;
    all.push_back(told{event.kind, std::move(reason)});
  };
}

std::size_t event_log::count(socket_event_kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(all, kind, &told::kind));
}

task<> event_log::wait_for(socket_event_kind kind, std::size_t at_least) {
  const auto are_told = [this, kind, at_least] { return count(kind) >= at_least; };
  co_await until(are_told);
  EXPECT_GE(count(kind), at_least) << name_of(kind);
}

error event_log::reason_of(socket_event_kind kind) const {
  const auto last = std::ranges::find(all.rbegin(), all.rend(), kind, &told::kind);
  if (last == all.rend() || !last->reason) return error(std::errc::no_message, "nothing was told");
  return *last->reason;
}

// --- sockets ---

socket_options quick(std::string routing_id) {
  socket_options options;
  options.routing_id = std::move(routing_id);
  options.reconnect_interval = std::chrono::milliseconds(1);
  options.linger = std::chrono::milliseconds(0);
  return options;
}

std::string_view any_local() {
  return why_no_sockets(weir::test::transport::local).empty() ? any_ipc : any_tcp;
}

std::string bind_to(socket& which, std::string_view endpoint) {
  result<std::string> bound = which.bind(endpoint);
  EXPECT_TRUE(bound) << bound.error().message();
  return bound.value_or("");
}

void connect_to(socket& which, std::string_view endpoint) {
  result<> connected = which.connect(endpoint);
  EXPECT_TRUE(connected) << connected.error().message();
}

task<> send(socket& to, parts texts) {
  message out = message_of(texts);
  result<> sent = co_await to.send(out);
  EXPECT_TRUE(sent) << sent.error().message();
}

task<parts> receive(socket& from) {
  message in;
  result<> received = co_await from.receive(in);
  EXPECT_TRUE(received) << received.error().message();
  if (!received) co_return parts(1);
  co_return parts_of(in);
}

task<> close(socket& which) {
  result<> closed = co_await which.close();
  EXPECT_TRUE(closed) << closed.error().message();
}

// --- peers made of bytes ---

address address_of(std::string_view endpoint) {
  const std::string_view rest = endpoint.substr(endpoint.find("://") + 3);
  if (endpoint.starts_with("tcp")) return *address::parse_ip(rest);
  return rest.starts_with('@') ? *address::unix_abstract(rest.substr(1)) : *address::unix_path(rest);
}

listening_socket listen_on_tcp() {
  return listen_on(weir::test::transport::tcp);
}

std::string endpoint_of(const listening_socket& listener) {
  const address at(listener.to(), listener.address_bytes);
  return (at.is_unix() ? "ipc://" : "tcp://") + at.to_string();
}

task<wire_peer> wire_peer::connect(std::string_view endpoint) {
  co_return wire_peer(co_await raw_socket::connect(address_of(endpoint)));
}

task<wire_peer> wire_peer::accept(const listening_socket& from) {
  co_return wire_peer(co_await raw_socket::accept(from));
}

task<std::string> wire_peer::shake_hands(std::string_view type, std::string_view identity, int minor) {
  co_await send(wire_greeting(minor) + wire_ready(type, identity));
  const std::string greeting = co_await read(64);
  EXPECT_EQ(greeting.size(), 64u) << "the connection was ended";
  std::string ready = co_await read(2);
  if (ready.size() == 2) ready += co_await read(static_cast<unsigned char>(ready[1]));
  co_return ready;
}

task<wire_peer::wire_part> wire_peer::read_part() {
  wire_part part;
  const std::string flags = co_await read(1);
  if (flags.empty()) co_return part;
  part.flags = flags[0];
  const std::size_t size_bytes = (part.flags & 2) != 0 ? 8 : 1;
  const std::string size = co_await read(size_bytes);
  std::size_t bytes = 0;
  for (const char octet : size) bytes = bytes << 8 | static_cast<unsigned char>(octet);
  part.body = co_await read(bytes);
  co_return part;
}

task<parts> wire_peer::read_message() {
  parts texts;
  int flags = 1;
  while ((flags & 1) != 0 || (flags & 4) != 0) {
    wire_part part = co_await read_part();
    if (part.flags < 0) co_return parts();
    flags = part.flags;
    if ((flags & 4) == 0) texts.push_back(std::move(part.body));
  }
  co_return texts;
}

task<wire_peer> join(std::string_view endpoint, std::string_view type, std::string_view identity) {
  wire_peer peer = co_await wire_peer::connect(endpoint);
  const std::string ready = co_await peer.shake_hands(type, identity);
  EXPECT_FALSE(ready.empty());
  co_return peer;
}

} // namespace weir::zmtp::test
