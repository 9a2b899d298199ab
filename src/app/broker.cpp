#include "broker.hpp"

#include <weir/io/loop.hpp>

#include <fmt/format.h>

#include <new>

namespace weir::app {

broker::broker(const proxy_options& options)
    : options_(options), home_(*loop::current()), proxy_(options_of_proxy()) {}

zmtp::proxy_options broker::options_of_proxy() {
  zmtp::socket_options of_both;
  of_both.send_hwm = of_both.receive_hwm = options_.hwm;
  of_both.limits.message_bytes_max = options_.message_max;
  of_both.stream.keep_alive = true; // a peer whose machine died must not be waited for for ever
  of_both.on_event = [this](const zmtp::socket_event& what) { note(what); };
  zmtp::proxy_options made;
  made.frontend = of_both;
  made.backend = std::move(of_both);
  return made;
}

result<> broker::open() {
  for (const proxy_endpoint& where : options_.frontend)
    if (result<> opened = attach(proxy_.frontend(), where, frontend_endpoints_); !opened) return opened;
  for (const proxy_endpoint& where : options_.backend)
    if (result<> opened = attach(proxy_.backend(), where, backend_endpoints_); !opened) return opened;
  return {};
}

result<> broker::attach(zmtp::socket& socket, const proxy_endpoint& where, std::vector<std::string>& names) {
  result<std::string> name = where.address;
  if (!where.connects)
    name = socket.bind(where.address);
  else if (result<> connected = socket.connect(where.address); !connected)
    name = fail(std::move(connected).error());
  if (!name) return fail(std::move(name).error().at(where.address));
  names.push_back(std::move(*name));
  return {};
}

void broker::note(const zmtp::socket_event& what) noexcept {
  if (!what.reason || refuses_newcomers_) return;
  const bool is_farewell = what.kind == zmtp::socket_event_kind::disconnected &&
                           *what.reason != errc::protocol && *what.reason != errc::limit_reached;
  if (is_farewell) return;
  ++troubles_.count;
  try {
    troubles_.latest = fmt::format("{} {}: {}", what.endpoint, name_of(what.kind), what.reason->message());
  } catch (const std::bad_alloc&) { // the count must do
  }
}

void broker::refuse_newcomers() noexcept {
  refuses_newcomers_ = true;
  proxy_.stop_accepting();
}

broker_totals broker::totals() const {
  broker_totals now;
  now.requests = proxy_.requests();
  now.replies = proxy_.replies();
  now.dropped = proxy_.frontend().counters().messages_dropped;
  now.frontend_peers = proxy_.frontend().connected();
  now.backend_peers = proxy_.backend().connected();
  now.memory_bytes = home_.buffers().bytes_in_use() + home_.send_buffers().bytes_in_use();
  return now;
}

} // namespace weir::app
