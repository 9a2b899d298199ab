// Certificates for tests, made by the openssl tool when they are first asked for, in a directory that goes
// with this process. All keys are ECDSA P-256.
#pragma once

#include <weir/net/tls_options.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace weir::test {

/// A certificate and its key, as files.
struct credentials {
  std::string certificate;
  std::string key;

  tls_pem certificate_pem() const { return tls_pem::file(certificate); }
  tls_identity identity() const { return {tls_pem::file(certificate), tls_pem::file(key)}; }
};

inline std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class certificate_workshop {
 public:
  /// Names servers of this machine.
  static constexpr const char* here = "DNS:localhost,IP:127.0.0.1,IP:::1";

  static certificate_workshop& shared() {
    static certificate_workshop instance;
    return instance;
  }

  const std::string& directory() const { return directory_; }

  /// Signs itself, so that it is its own authority.
  credentials self_signed(const std::string& name, const std::string& alternative_names = here) {
    const credentials made = named(name);
    if (!std::filesystem::exists(made.certificate))
      openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
              " -addext subjectAltName=" + alternative_names + " -keyout " + made.key + " -out " +
              made.certificate);
    return made;
  }

  /// Signed by `issuer`; `days` may be negative.
  credentials signed_by(const credentials& issuer, const std::string& name, int days = 2,
                        const std::string& alternative_names = here) {
    const credentials made = named(name);
    if (std::filesystem::exists(made.certificate)) return made;
    const std::string request = directory_ + "/" + name + ".csr";
    openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + name +
            " -addext subjectAltName=" + alternative_names + " -keyout " + made.key + " -out " + request);
    openssl("x509 -req -copy_extensions copy -in " + request + " -CA " + issuer.certificate + " -CAkey " +
            issuer.key + " -days " + std::to_string(days) + " -out " + made.certificate);
    return made;
  }

  /// May sign others.
  credentials intermediate_of(const credentials& issuer, const std::string& name) {
    return signed_by(issuer, name, 2, std::string(here) + " -addext basicConstraints=critical,CA:TRUE");
  }

  void openssl(const std::string& arguments) {
    const std::string log = directory_ + "/log";
    const int outcome = std::system(("openssl " + arguments + " >" + log + " 2>&1").c_str());
    EXPECT_EQ(outcome, 0) << "openssl " << arguments << "\n" << content_of(log);
  }

 private:
  certificate_workshop()
      : directory_(testing::TempDir() + "weir_certificates_" + std::to_string(::getpid())) {
    std::filesystem::create_directory(directory_);
  }
  ~certificate_workshop() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  credentials named(const std::string& name) const {
    return {directory_ + "/" + name + ".pem", directory_ + "/" + name + ".key"};
  }

  std::string directory_;
};

inline certificate_workshop& workshop() {
  return certificate_workshop::shared();
}

} // namespace weir::test
