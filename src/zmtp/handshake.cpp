#include <weir/zmtp/command.hpp>
#include <weir/zmtp/handshake.hpp>

namespace weir::zmtp {
namespace {

void write(stream& connection, std::span<const std::byte> bytes) {
  connection.output().append_copy(bytes);
  connection.output_written();
}

/// The next bytes; that there are none is an error here.
task<result<lease>> read_more(stream& connection) {
  result<lease> chunk = co_await connection.read();
  if (chunk && chunk->empty()) co_return fail(errc::end_of_stream, "the peer left during the handshake");
  co_return chunk;
}

/// Gives what came behind the greeting.
task<result<lease>> exchange_greetings(stream& connection, greeting_parser& greeting) {
  write(connection, own_signature());
  bool rest_is_due = true;
  lease chunk;
  while (!greeting.complete()) {
    result<lease> more = co_await read_more(connection);
    if (!more) co_return more;
    chunk = std::move(*more);
    const result<std::size_t> used = greeting.feed(chunk);
    if (rest_is_due && greeting.signature_seen()) {
      write(connection, own_greeting_rest());
      rest_is_due = false;
    }
    if (!used) co_return fail(used.error());
    chunk.remove_prefix(*used);
  }
  co_return chunk;
}

/// Reads to the first command, which `scanner` then holds, and cuts `chunk` behind it.
task<result<>> read_command(stream& connection, frame_scanner& scanner, lease& chunk) {
  bool found = false;
  while (!found) {
    if (chunk.empty()) {
      result<lease> more = co_await read_more(connection);
      if (!more) co_return fail(std::move(more).error());
      chunk = std::move(*more);
    }
    std::span<const std::byte> rest = chunk;
    const result<scan_event> event = scanner.scan(rest);
    if (!event) co_return fail(event.error());
    found = *event == scan_event::command;
    chunk.remove_prefix(chunk.size() - rest.size());
  }
  co_return result<>{};
}

result<ready_command> understand(std::span<const std::byte> body) {
  const result<command> parsed = parse_command(body);
  if (!parsed) return fail(parsed.error());
  if (parsed->kind == command_kind::error) return fail(errc::protocol, "the peer refused with ERROR");
  if (parsed->kind != command_kind::ready)
    return fail(errc::protocol, "a command other than READY in the handshake");
  return parse_ready(parsed->data);
}

} // namespace

task<result<peer_properties>> shake_hands(stream& connection, frame_scanner& scanner, socket_type own_type,
                                          std::string_view routing_id) {
  greeting_parser greeting;
  result<lease> rest = co_await exchange_greetings(connection, greeting);
  if (!rest) co_return fail(std::move(rest).error());
  write(connection, make_ready(own_type, std::as_bytes(std::span(routing_id))).bytes());

  peer_properties peer;
  peer.version = greeting.agreed_version();
  result<> commanded = co_await read_command(connection, scanner, *rest);
  if (!commanded) co_return fail(std::move(commanded).error());
  const result<ready_command> ready = understand(scanner.command());
  if (!ready) co_return fail(ready.error());
  if (!compatible(own_type, ready->type)) co_return fail(errc::protocol, "incompatible socket types");

  peer.type = ready->type;
  peer.routing_id.assign(reinterpret_cast<const char*>(ready->identity.data()), ready->identity.size());
  peer.rest = std::move(*rest);
  scanner.allow_messages();
  co_return peer;
}

} // namespace weir::zmtp
