#include "proxy_options.hpp"

#include "units.hpp"

#include <weir/zmtp/endpoint.hpp>

#include <utility>

namespace weir::app {
namespace {

constexpr std::string_view connect_mark = "+connect";

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

} // namespace

result<proxy_endpoint> parse_proxy_endpoint(std::string_view text, proxy_side side) {
  const bool is_frontend = side == proxy_side::frontend;
  proxy_endpoint made;
  std::string_view rest = text;
  const bool names_socket = take_prefix(rest, is_frontend ? "router" : "dealer");
  made.connects = names_socket && take_prefix(rest, connect_mark);
  if (!names_socket || !take_prefix(rest, ":"))
    return refused(is_frontend ? "a frontend begins with router: or router+connect:, unlike"
                               : "a backend begins with dealer: or dealer+connect:, unlike",
                   text);

  const auto where = zmtp::parse_endpoint(rest);
  if (!where) return fail(where.error());
  if (where->kind == zmtp::transport::inproc) return refused("inproc reaches no other process:", text);
  if (made.connects && where->is_wildcard()) return refused("nobody can connect to a wildcard:", text);
  made.address = rest;
  return made;
}

} // namespace weir::app
