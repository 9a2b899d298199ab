#include "tls_pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>

namespace weir {
namespace {

/// Nobody is there to be asked: without this OpenSSL asks on the terminal, and the loop would wait for it.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

struct close_file {
  void operator()(std::FILE* open) const noexcept { std::fclose(open); }
};

result<std::string> read_file(const std::string& path, const char* what) {
  errno = 0;
  const std::unique_ptr<std::FILE, close_file> file(std::fopen(path.c_str(), "re"));
  if (!file) return fail(error::from_errno(errno, what));
  std::string content;
  char piece[4096];
  while (const std::size_t count = std::fread(piece, 1, sizeof piece, file.get()))
    content.append(piece, count);
  if (std::ferror(file.get())) return fail(error::from_errno(errno, what)); // a directory, for one
  return content;
}

/// A BIO that reads `pem`, which must outlive it.
result<bio_ptr> open_text(const std::string& pem, const char* what) {
  if (pem.size() > std::size_t{std::numeric_limits<int>::max()}) return fail(errc::limit_reached, what);
  bio_ptr opened(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!opened) return fail(take_openssl_error(what));
  return opened;
}

result<std::string> load(const tls_pem& from, const char* what) {
  if (!from.is_file()) return from.value();
  return read_file(from.value(), what);
}

result<std::vector<certificate_ptr>> parse_certificates(const tls_pem& from, const char* what) {
  const result<std::string> pem = load(from, what);
  if (!pem) return fail(pem.error());
  const result<bio_ptr> opened = open_text(*pem, what);
  if (!opened) return fail(opened.error());
  ERR_clear_error();
  std::vector<certificate_ptr> all;
  while (certificate_ptr next{PEM_read_bio_X509(opened->get(), nullptr, no_passphrase, nullptr)})
    all.push_back(std::move(next));
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !is_at_end) return fail(take_openssl_error(what));
  ERR_clear_error();
  return all;
}

result<key_ptr> parse_private_key(const tls_pem& from, const char* what) {
  const result<std::string> pem = load(from, what);
  if (!pem) return fail(pem.error());
  const result<bio_ptr> opened = open_text(*pem, what);
  if (!opened) return fail(opened.error());
  ERR_clear_error();
  key_ptr key(PEM_read_bio_PrivateKey(opened->get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(take_openssl_error(what));
  return key;
}

} // namespace

error at_source(error reason, const tls_pem& from) {
  return std::move(reason).at(from.is_file() ? std::string_view(from.value()) : "given as text");
}

result<std::vector<certificate_ptr>> read_certificates(const tls_pem& from, const char* what) {
  result<std::vector<certificate_ptr>> parsed = parse_certificates(from, what);
  if (!parsed) return fail(at_source(parsed.error(), from));
  return parsed;
}

result<key_ptr> read_private_key(const tls_pem& from) {
  result<key_ptr> parsed = parse_private_key(from, "tls private key");
  if (!parsed) return fail(at_source(parsed.error(), from));
  return parsed;
}

} // namespace weir
