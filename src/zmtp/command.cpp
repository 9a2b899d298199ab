#include <weir/zmtp/big_endian.hpp>
#include <weir/zmtp/command.hpp>

#include <algorithm>
#include <cassert>
#include <optional>

namespace weir::zmtp {
namespace {

constexpr std::string_view socket_type_property = "Socket-Type";
constexpr std::string_view identity_property = "Identity";
constexpr std::size_t ttl_bytes = 2;

struct named_kind {
  std::string_view name;
  command_kind kind;
};
constexpr named_kind known_commands[] = {
    {"READY", command_kind::ready}, {"ERROR", command_kind::error},         {"PING", command_kind::ping},
    {"PONG", command_kind::pong},   {"SUBSCRIBE", command_kind::subscribe}, {"CANCEL", command_kind::cancel},
};

constexpr bool is_letter(char letter) noexcept {
  return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
}

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

void append_octet(encoded_command& to, std::size_t value) noexcept {
  const auto octet = static_cast<std::byte>(value);
  to.append({&octet, 1});
}

void append_property(encoded_command& to, std::string_view name, std::span<const std::byte> value) noexcept {
  append_octet(to, name.size());
  to.append(bytes_of(name));
  std::array<std::byte, 4> size;
  store_big_endian(size.data(), static_cast<std::uint32_t>(value.size()));
  to.append(size);
  to.append(value);
}

/// The value of the only property of this name. Of two, peers might believe different ones.
result<std::optional<std::span<const std::byte>>> find_only(const metadata& properties, std::string_view name,
                                                            const char* rule_if_repeated) noexcept {
  std::optional<std::span<const std::byte>> found;
  for (const property& each : properties) {
    if (!same_property_name(each.name, name)) continue;
    if (found) return fail(errc::protocol, rule_if_repeated);
    found = each.value;
  }
  return found;
}

} // namespace

result<command> parse_command(std::span<const std::byte> body) noexcept {
  if (body.empty() || body[0] == std::byte{0}) return fail(errc::protocol, "command without a name");
  const auto name_bytes = std::to_integer<std::size_t>(body[0]);
  if (body.size() - 1 < name_bytes) return fail(errc::protocol, "command name runs past the end");
  const std::string_view name = text_of(body.subspan(1, name_bytes));
  if (!std::ranges::all_of(name, is_letter))
    return fail(errc::protocol, "command name with a character that is no letter");

  const auto* known = std::ranges::find(known_commands, name, &named_kind::name);
  return command{known == std::end(known_commands) ? command_kind::unknown : known->kind, name,
                 body.subspan(1 + name_bytes)};
}

result<ready_command> parse_ready(std::span<const std::byte> data) noexcept {
  const auto properties = metadata::parse(data);
  if (!properties) return fail(properties.error());

  const auto type_name = find_only(*properties, socket_type_property, "READY: more than one Socket-Type");
  if (!type_name) return fail(type_name.error());
  if (!*type_name) return fail(errc::protocol, "READY: no Socket-Type");
  const auto type = socket_type_from(text_of(**type_name));
  if (!type) return fail(errc::protocol, "READY: unknown Socket-Type");

  const auto identity = find_only(*properties, identity_property, "READY: more than one Identity");
  if (!identity) return fail(identity.error());
  ready_command ready{*type, {}, *properties};
  if (*identity && announces_identity(*type)) ready.identity = **identity;
  if (ready.identity.size() > identity_bytes_max)
    return fail(errc::protocol, "READY: Identity longer than 255 bytes");
  if (!ready.identity.empty() && ready.identity[0] == std::byte{0})
    return fail(errc::protocol, "READY: Identity begins with 0");
  return ready;
}

result<std::string_view> parse_error_reason(std::span<const std::byte> data) noexcept {
  if (data.empty()) return fail(errc::protocol, "ERROR: no reason");
  if (data.size() - 1 != std::to_integer<std::size_t>(data[0]))
    return fail(errc::protocol, "ERROR: size of the reason does not fit the command");
  return text_of(data.subspan(1));
}

result<ping_command> parse_ping(std::span<const std::byte> data) noexcept {
  if (data.size() < ttl_bytes) return fail(errc::protocol, "PING: no time to live");
  return ping_command{load_big_endian<std::uint16_t>(data.data()), data.subspan(ttl_bytes)};
}

result<std::span<const std::byte>> parse_pong(std::span<const std::byte> data) noexcept {
  if (data.size() > ping_context_bytes_max) return fail(errc::protocol, "PONG: context longer than 16 bytes");
  return data;
}

encoded_command::encoded_command(std::string_view name, std::size_t data_bytes) noexcept
    : size_bytes_(encode_header(storage_.data(), frame_kind::command, 1 + name.size() + data_bytes)) {
  append_octet(*this, name.size());
  append(bytes_of(name));
}

void encoded_command::append(std::span<const std::byte> octets) noexcept {
  assert(octets.size() <= capacity_bytes - size_bytes_);
  std::ranges::copy(octets, storage_.begin() + static_cast<std::ptrdiff_t>(size_bytes_));
  size_bytes_ += octets.size();
}

encoded_command make_ready(socket_type type, std::span<const std::byte> identity) noexcept {
  assert(identity.size() <= identity_bytes_max);
  const std::string_view type_name = name_of(type);
  std::size_t data_bytes = property_bytes(socket_type_property.size(), type_name.size());
  if (announces_identity(type)) data_bytes += property_bytes(identity_property.size(), identity.size());

  encoded_command ready("READY", data_bytes);
  append_property(ready, socket_type_property, bytes_of(type_name));
  if (announces_identity(type)) append_property(ready, identity_property, identity);
  return ready;
}

encoded_command make_error(std::string_view reason) noexcept {
  reason = reason.substr(0, error_reason_bytes_max);
  encoded_command error("ERROR", 1 + reason.size());
  append_octet(error, reason.size());
  error.append(bytes_of(reason));
  return error;
}

encoded_command make_ping(std::uint16_t ttl_deciseconds, std::span<const std::byte> context) noexcept {
  assert(context.size() <= ping_context_bytes_max);
  encoded_command ping("PING", ttl_bytes + context.size());
  std::array<std::byte, ttl_bytes> ttl;
  store_big_endian(ttl.data(), ttl_deciseconds);
  ping.append(ttl);
  ping.append(context);
  return ping;
}

encoded_command make_pong(std::span<const std::byte> ping_context) noexcept {
  const auto context = ping_context.first(std::min(ping_context.size(), ping_context_bytes_max));
  encoded_command pong("PONG", context.size());
  pong.append(context);
  return pong;
}

} // namespace weir::zmtp
