// Contexts are checked when they are made: what is wrong with a certificate, a key or a list is said there,
// with the file that it is in, and not at the first connection.
#include "tls_ends.hpp"

#include <string>

namespace weir::test {
namespace {

std::string why_not(const result<tls_context>& made) {
  return made ? "it was made" : made.error().message();
}

tls_identity identity_of(const std::string& certificate, const std::string& key) {
  return {tls_pem::file(certificate), tls_pem::file(key)};
}

TEST(tls_context_test, a_file_that_is_not_there_is_named) {
  const credentials own = workshop().self_signed("localhost");
  const auto of_server = [](tls_identity own_identity) {
    return why_not(tls_context::server(tls_server_options(std::move(own_identity))));
  };
  EXPECT_EQ(of_server(identity_of("/nowhere/a.pem", own.key)),
            "tls certificates /nowhere/a.pem: No such file or directory");
  EXPECT_EQ(of_server(identity_of(own.certificate, "/nowhere/a.key")),
            "tls private key /nowhere/a.key: No such file or directory");
  EXPECT_EQ(of_server(identity_of("/tmp", own.key)), "tls certificates /tmp: Is a directory");
  tls_client_options client;
  client.authorities.push_back(tls_pem::file("/nowhere/ca.pem"));
  EXPECT_EQ(why_not(tls_context::client(client)),
            "tls authorities /nowhere/ca.pem: No such file or directory");
}

TEST(tls_context_test, what_is_no_pem_is_refused) {
  const credentials own = workshop().self_signed("localhost");
  EXPECT_EQ(why_not(tls_context::server(tls_server_options(identity_of(own.key, own.key)))),
            "tls certificates " + own.key + ": no start line");
  tls_client_options client;
  client.authorities.push_back(tls_pem::text("no certificate"));
  EXPECT_EQ(why_not(tls_context::client(client)), "tls authorities given as text: no start line");
}

TEST(tls_context_test, a_certificate_that_is_damaged_behind_a_good_one_is_refused) {
  const credentials own = workshop().self_signed("localhost");
  const std::string good = content_of(own.certificate);
  tls_client_options client;
  client.authorities.push_back(tls_pem::text(good + good.substr(0, good.size() / 2)));
  EXPECT_FALSE(tls_context::client(client));
  client.authorities.clear();
  client.authorities.push_back(tls_pem::text(good + good));
  EXPECT_TRUE(tls_context::client(client));
}

TEST(tls_context_test, a_key_of_another_certificate_is_refused) {
  const credentials own = workshop().self_signed("localhost");
  const credentials other = workshop().self_signed("other");
  EXPECT_EQ(why_not(tls_context::server(tls_server_options(identity_of(own.certificate, other.key)))),
            "tls private key " + other.key + ": key values mismatch");
}

/// It would stop the loop, and most programs have no terminal.
TEST(tls_context_test, an_encrypted_key_asks_nobody_for_a_passphrase) {
  const credentials own = workshop().self_signed("localhost");
  const std::string locked = workshop().directory() + "/locked.key";
  workshop().openssl("pkcs8 -topk8 -passout pass:secret -in " + own.key + " -out " + locked);
  EXPECT_FALSE(tls_context::server(tls_server_options(identity_of(own.certificate, locked))));
}

TEST(tls_context_test, is_made_of_text_as_well_as_of_files) {
  const credentials own = workshop().self_signed("localhost");
  const tls_identity identity(tls_pem::text(content_of(own.certificate)), tls_pem::text(content_of(own.key)));
  EXPECT_TRUE(tls_context::server(tls_server_options(identity)));
}

TEST(tls_context_test, trusts_the_system_by_default) {
  EXPECT_TRUE(tls_context::client());
}

TEST(tls_context_test, protocols_have_names_of_1_to_255_bytes) {
  tls_client_options client;
  for (const std::size_t size : {std::size_t{0}, std::size_t{256}}) {
    client.protocols = {std::string(size, 'p')};
    EXPECT_EQ(tls_context::client(client).error(), errc::invalid_argument);
  }
  client.protocols = {std::string(255, 'p'), "h2"};
  EXPECT_TRUE(tls_context::client(client));
}

TEST(tls_context_test, who_asks_for_client_certificates_says_who_signs_them) {
  tls_server_options server(workshop().self_signed("localhost").identity());
  server.asks_client = client_certificate::optional;
  EXPECT_EQ(tls_context::server(server).error(), errc::invalid_argument);
}

} // namespace
} // namespace weir::test
