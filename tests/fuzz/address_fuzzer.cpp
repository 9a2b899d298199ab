// Fuzzes what reads addresses and networks. The first byte of the input chooses the reader, the rest is the
// text. Beyond "no crash" it checks what is read against an independent and simple reading, and that what was
// read can be written and read again.
//
//   address_fuzzer -max_len=256 tests/fuzz/corpus/address
#include <weir/net/address.hpp>
#include <weir/net/ip_network.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace weir;

void require(bool invariant, const char* text) {
  if (invariant) return;
  std::fprintf(stderr, "broken invariant: %s\n", text);
  std::abort();
}

void require_reason(const error& why) {
  require(why.operation()[0] != '\0', "an error says what is wrong");
}

bool same(const address& one, const address& other) {
  return one.raw_bytes() == other.raw_bytes() && std::memcmp(one.raw(), other.raw(), one.raw_bytes()) == 0;
}

/// The bytes of an address, most significant first; nothing where `text` is none.
std::optional<std::string> number_of(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  std::array<char, 16> number{};
  if (::inet_pton(AF_INET, text.c_str(), number.data()) == 1) return std::string(number.data(), 4);
  if (::inet_pton(AF_INET6, text.c_str(), number.data()) == 1) return std::string(number.data(), 16);
  return std::nullopt;
}

void fuzz_ip(const std::string& text) {
  const result<address> read = address::ip(text, 4711);
  const bool is_any = text == "*";
  require(read.has_value() == (is_any || number_of(text).has_value()),
          "an IP address is what inet_pton says");
  if (!read) return require_reason(read.error());
  require(read->port() == 4711 && !read->is_unix() && read->unix_path().empty(), "an IP address has a port");
  require(number_of(read->host()) == number_of(is_any ? "0.0.0.0" : text), "the host is the same number");
  const result<address> again = address::parse_ip(read->to_string());
  require(again && same(*again, *read), "an IP address there and back");
}

void fuzz_ip_with_port(const std::string& text) {
  const result<address> read = address::parse_ip(text);
  if (!read) return require_reason(read.error());
  const std::string host = text.substr(0, text.rfind(':'));
  const std::string port = text.substr(text.rfind(':') + 1);
  require(!port.empty() && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }),
          "a port is digits");
  require(std::strtoul(port.c_str(), nullptr, 10) == read->port(), "the port is the same number");
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  require(in_brackets == (read->family() == AF_INET6), "brackets are around IPv6");
  const result<address> again = address::parse_ip(read->to_string());
  require(again && same(*again, *read), "address and port there and back");
}

void fuzz_path(const std::string& text) {
  const result<address> read = address::unix_path(text);
  const bool is_path =
      !text.empty() && text.size() < sizeof(sockaddr_un::sun_path) && text.find('\0') == std::string::npos;
  require(read.has_value() == is_path, "which paths are socket paths");
  if (!read) return require_reason(read.error());
  require(read->is_unix() && read->port() == 0, "a path has no port");
  require(read->unix_path() == text && read->host() == text && read->to_string() == text, "the same path");
}

void fuzz_abstract(const std::string& text) {
  const result<address> read = address::unix_abstract(text);
  require(read.has_value() == (!text.empty() && text.size() < sizeof(sockaddr_un::sun_path)), "which names");
  if (!read) return require_reason(read.error());
  require(read->unix_path().empty() && read->to_string() == "@" + text, "the same name");
}

/// As a string of ones and zeros; IPv4 behind ::ffff.
std::string bits_of(const std::string& number) {
  std::string bits;
  if (number.size() == 4) bits = std::string(80, '0') + std::string(16, '1');
  for (const char byte : number)
    for (int bit = 7; bit >= 0; --bit) bits += (static_cast<unsigned char>(byte) >> bit & 1) != 0 ? '1' : '0';
  return bits;
}

/// A network and an address, with a line's end between them.
void fuzz_network(const std::string& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string network = text.substr(0, end);
  const result<ip_network> read = ip_network::parse(network);
  if (!read) return require_reason(read.error());
  const std::size_t slash = std::min(network.find('/'), network.size());
  const std::optional<std::string> first = number_of(network.substr(0, slash));
  require(first.has_value(), "a network begins with an address");
  const std::size_t offset = first->size() == 4 ? 96 : 0;
  const std::size_t length =
      slash == network.size() ? first->size() * 8 : std::strtoul(network.c_str() + slash + 1, nullptr, 10);
  require(length <= first->size() * 8, "no longer than an address");

  const result<address> candidate =
      address::ip(std::string_view(text).substr(std::min(end + 1, text.size())), 0);
  if (!candidate) return;
  const std::string lowest = bits_of(*first);
  const std::string other = bits_of(*number_of(candidate->host()));
  const bool begins_like_it = lowest.substr(0, offset + length) == other.substr(0, offset + length);
  const std::string mapped = std::string(80, '0') + std::string(16, '1');
  const bool is_ipv4 = offset + length < mapped.size() && other.starts_with(mapped); // "::/0" is IPv6 alone
  const bool is_within = begins_like_it && !is_ipv4;
  require(read->contains(*candidate) == is_within, "a network contains what begins like it");
}

/// As a kernel may give it, and worse.
void fuzz_raw(const std::string& bytes) {
  sockaddr_storage raw{};
  const std::size_t size = std::min(bytes.size(), sizeof raw);
  std::memcpy(&raw, bytes.data(), size);
  const address read(reinterpret_cast<const sockaddr*>(&raw), static_cast<socklen_t>(size));
  const std::string text = read.to_string();
  require(text.size() <= sizeof raw + 1, "no longer than it was");
  if (read.family() == AF_INET) require(!read.host().empty(), "an IPv4 address has a host");
  if (!read.is_unix()) require(read.unix_path().empty(), "only unix-domain sockets have a path");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
  case 0:
    fuzz_ip(text);
    break;
  case 1:
    fuzz_ip_with_port(text);
    break;
  case 2:
    fuzz_path(text);
    break;
  case 3:
    fuzz_abstract(text);
    break;
  case 4:
    fuzz_network(text);
    break;
  default:
    fuzz_raw(text);
    break;
  }
  return 0;
}
