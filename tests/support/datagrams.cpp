#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>

#include <support/datagrams.hpp>

#include <cerrno>
#include <system_error>

namespace weir::test {
namespace {

void expect_done(bool outcome, const char* what) {
  if (!outcome) throw std::system_error(errno, std::system_category(), what);
}

int family_of(datagram_transport which) {
  return which == datagram_transport::udp ? AF_INET : AF_UNIX;
}

} // namespace

const char* name_of(datagram_transport which) {
  return which == datagram_transport::udp ? "udp" : "unix";
}

std::string why_no_datagrams(datagram_transport which) {
  const descriptor made(calls().socket(family_of(which), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return made || errno != EAFNOSUPPORT ? "" : error::from_errno(errno, "socket").message();
}

datagram_end bind_datagram(datagram_transport which) {
  datagram_end end;
  const bool is_udp = which == datagram_transport::udp;
  end.socket = descriptor(calls().socket(family_of(which), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr unnamed{};
  unnamed.sa_family = AF_UNIX;
  const sockaddr* name = is_udp ? reinterpret_cast<const sockaddr*>(&loopback) : &unnamed;
  expect_done(calls().bind(end.number(), name, is_udp ? sizeof loopback : sizeof(sa_family_t)) == 0, "bind");
  expect_done(
      calls().getsockname(end.number(), reinterpret_cast<sockaddr*>(&end.address), &end.address_bytes) == 0,
      "getsockname");
  return end;
}

datagram_pair::datagram_pair(datagram_transport which)
    : ours(bind_datagram(which)), theirs(bind_datagram(which)) {
  connect_datagram(theirs, ours);
}

std::string why_no_late_errors() {
  datagram_pair pair(datagram_transport::udp);
  connect_datagram(pair.ours, pair.theirs);
  pair.theirs.socket.reset();
  send_datagram(pair.ours.number(), "anybody?");
  pollfd told{};
  told.fd = pair.ours.number();
  told.events = POLLIN;
  constexpr int long_ms = 200; // over the loopback device it is there at once
  if (calls().poll(&told, 1, long_ms) > 0) return "";
  return "poll: nothing is told of a datagram that nobody took";
}

void connect_datagram(const datagram_end& from, const datagram_end& to) {
  expect_done(calls().connect(from.number(), to.to(), to.address_bytes) == 0, "connect");
}

void send_datagram(int socket, std::string_view text) {
  const ssize_t count = calls().send(socket, text.data(), text.size(), MSG_NOSIGNAL);
  expect_done(count == static_cast<ssize_t>(text.size()), "send");
}

int fill_with_datagrams(int socket, std::string_view each) {
  int count = 0;
  while (calls().send(socket, each.data(), each.size(), MSG_NOSIGNAL) >= 0) ++count;
  expect_done(errno == EAGAIN, "send");
  return count;
}

std::string take_datagram(int socket) {
  std::string text(65536, '\0');
  const ssize_t count = calls().recv(socket, text.data(), text.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return "nothing";
  expect_done(count >= 0, "recv");
  text.resize(static_cast<std::size_t>(count));
  return text;
}

std::string bytes_of_address(const datagram_end& end) {
  return std::string(reinterpret_cast<const char*>(&end.address),
                     static_cast<std::size_t>(end.address_bytes));
}

seen_message receive_message::seen() const {
  const auto size = static_cast<std::size_t>(std::max(result(), 0));
  return {std::string(reinterpret_cast<const char*>(bytes.data()), size),
          std::string(reinterpret_cast<const char*>(&sender), from_bytes()), control_data().size(),
          is_truncated(), is_control_truncated()};
}

receive_message_many::receive_message_many(int socket, std::size_t control_size)
    : message_memory(0, control_size), recorded(socket, control_memory(), record) {
  inspect = [this](const completion& what) {
    if (!what.more) {
      EXPECT_EQ(what.data.size(), 0u);
      return;
    }
    const message_view view(what.data, control.size());
    EXPECT_EQ(static_cast<int>(view.payload().size()), what.result);
    messages.push_back(
        {std::string(reinterpret_cast<const char*>(view.payload().data()), view.payload().size()),
         std::string(reinterpret_cast<const char*>(view.from()), view.from_bytes()), view.control().size(),
         view.is_truncated(), view.is_control_truncated()});
  };
}

std::string receive_message_many::texts() const {
  std::string joined;
  for (const seen_message& each : messages)
    joined += (joined.empty() && &each == &messages.front() ? "" : ",") + each.text;
  return joined;
}

messages_memory::messages_memory(std::vector<std::string> texts, const datagram_end* to)
    : contents(std::move(texts)), pieces(contents.size()), headers(contents.size()) {
  for (std::size_t i = 0; i < contents.size(); ++i) {
    pieces[i] = {contents[i].data(), contents[i].size()};
    headers[i].msg_hdr.msg_iov = &pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    if (!to) continue;
    headers[i].msg_hdr.msg_name = const_cast<sockaddr_storage*>(&to->address);
    headers[i].msg_hdr.msg_namelen = to->address_bytes;
  }
}

} // namespace weir::test
