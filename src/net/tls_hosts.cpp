#include "tls_hosts.hpp"

#include "tls_context_state.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t host_name_max = 255;

std::string in_lower_case(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (lower.ends_with('.')) lower.pop_back();
  return lower;
}

/// Labels of one character or more between dots.
bool is_host_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > host_name_max || name.starts_with('.') || name.ends_with('.'))
    return false;
  return name.find("..") == std::string_view::npos && name.find('*') == std::string_view::npos;
}

/// A number of two bytes, most significant first, from the front of `bytes`; none where there are fewer.
std::optional<std::size_t> take_number(std::string_view& bytes) noexcept {
  if (bytes.size() < 2) return std::nullopt;
  const auto high = static_cast<unsigned char>(bytes[0]), low = static_cast<unsigned char>(bytes[1]);
  bytes.remove_prefix(2);
  return std::size_t{high} << 8 | low;
}

std::string name_in_hello(SSL* of) {
  const unsigned char* extension = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(of, TLSEXT_TYPE_server_name, &extension, &size) != 1) return {};
  return server_name_of({reinterpret_cast<const char*>(extension), size});
}

/// What SSL_set_SSL_CTX leaves as it was.
bool adopt_settings(SSL* of, SSL_CTX* chosen) noexcept {
  if (SSL_set_SSL_CTX(of, chosen) == nullptr) return false;
  SSL_set_verify(of, SSL_CTX_get_verify_mode(chosen), nullptr);
  SSL_clear_options(of, SSL_OP_NO_TICKET);
  SSL_set_options(of, SSL_CTX_get_options(chosen));
  return SSL_set_num_tickets(of, SSL_CTX_get_num_tickets(chosen)) == 1 &&
         SSL_set_min_proto_version(of, static_cast<int>(SSL_CTX_get_min_proto_version(chosen))) == 1 &&
         SSL_set_max_proto_version(of, static_cast<int>(SSL_CTX_get_max_proto_version(chosen))) == 1;
}

int on_hello(SSL* of, int* alert, void*) noexcept {
  *alert = SSL_AD_INTERNAL_ERROR;
  auto& serving = *static_cast<std::shared_ptr<const tls_context::state>*>(SSL_get_app_data(of));
  try {
    const tls_context chosen = serving->choose(name_in_hello(of));
    const auto& state = chosen.shared_state();
    if (!state || !state->is_server || state->choose) {
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      ERR_raise(ERR_LIB_SSL, SSL_R_TLSV1_UNRECOGNIZED_NAME); // what the peer is told, we say as well
      return SSL_CLIENT_HELLO_ERROR;
    }
    if (!adopt_settings(of, state->ssl.get())) return SSL_CLIENT_HELLO_ERROR;
    serving = state;
  } catch (...) { // no memory
    return SSL_CLIENT_HELLO_ERROR;
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

/// A server that has heeded the name says so (RFC 6066).
int acknowledge_name(SSL* of, int*, void*) noexcept {
  return SSL_get_servername(of, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

} // namespace

std::string server_name_of(std::string_view extension) {
  std::string_view list = extension;
  const auto list_size = take_number(list);
  if (!list_size || *list_size != list.size()) return {};
  if (list.empty() || list.front() != TLSEXT_NAMETYPE_host_name) return {};
  list.remove_prefix(1);
  const auto name_size = take_number(list);
  if (!name_size || *name_size != list.size() || *name_size > host_name_max) return {};
  if (list.find('\0') != std::string_view::npos) return {};
  return in_lower_case(list);
}

result<> tls_hosts::add(tls_host host) {
  std::string name = in_lower_case(host.name);
  const bool is_wildcard = name.starts_with("*.");
  if (is_wildcard) name.erase(0, 1);
  if (!is_host_name(is_wildcard ? std::string_view(name).substr(1) : std::string_view(name)))
    return fail(error(errc::invalid_argument, "tls host name").at(host.name));
  const auto& state = host.context.shared_state();
  if (!state || !state->is_server || state->choose)
    return fail(error(errc::invalid_argument, "tls context of a host").at(host.name));
  auto& names = is_wildcard ? wildcards_ : named_;
  if (!names.emplace(std::move(name), std::move(host.context)).second)
    return fail(error(errc::invalid_argument, "tls host name: twice").at(host.name));
  return {};
}

tls_context tls_hosts::find(std::string_view name) const {
  if (const auto exact = named_.find(name); exact != named_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos) return {};
  const auto wildcard = wildcards_.find(name.substr(dot));
  return wildcard == wildcards_.end() ? tls_context() : wildcard->second;
}

void tls_hosts::choose_from_hello(SSL_CTX* context) noexcept {
  SSL_CTX_set_client_hello_cb(context, on_hello, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, acknowledge_name);
}

result<tls_context> tls_context::by_name(std::vector<tls_host> hosts, tls_context otherwise) {
  tls_hosts known;
  for (tls_host& host : hosts)
    if (result<> added = known.add(std::move(host)); !added) return fail(added.error());
  const auto& last = otherwise.shared_state();
  if (last && (!last->is_server || last->choose))
    return fail(errc::invalid_argument, "tls context of other hosts");
  return by_choice([known = std::move(known), otherwise = std::move(otherwise)](std::string_view name) {
    tls_context found = known.find(name);
    return found ? found : otherwise;
  });
}

} // namespace weir
