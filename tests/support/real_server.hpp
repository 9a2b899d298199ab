// Servers of Debian that tests start themselves: each in a temporary directory of its own, on a unix-domain
// socket and a loopback port, and gone with the object, or with this process if that is killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::test {

/// A TCP port of the loopback interface that nobody uses at the moment.
std::uint16_t unused_port();

class real_server {
 public:
  real_server(const real_server&) = delete;
  real_server& operator=(const real_server&) = delete;

  const std::string& directory() const { return directory_; }
  std::uint16_t port() const { return port_; }

  /// Returns before it listens: clients try until they are let in.
  void start();
  /// Ends it at once, as a crash would, and waits for its end.
  void stop();

 protected:
  /// A program that refuses to be root runs as `user`, whose directory it is then.
  explicit real_server(const char* user);
  ~real_server();

  virtual std::vector<std::string> command() const = 0;
  /// Runs to its end; throws when it fails, with what it said.
  void run_once(const std::vector<std::string>& what) const;

 private:
  pid_t launch(const std::vector<std::string>& what) const;
  std::string log() const;

  std::string directory_;
  std::uint16_t port_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t running_ = -1;
};

class postgres_server final : public real_server {
 public:
  /// Empty where it can be run, else why not.
  static std::string why_not();
  postgres_server();
  ~postgres_server() { stop(); }

  std::string over_unix() const { return "user=postgres dbname=postgres host=" + directory() + port_text(); }
  std::string over_tcp() const { return "user=postgres dbname=postgres host=127.0.0.1" + port_text(); }

 private:
  std::string port_text() const { return " port=" + std::to_string(port()); }
  std::vector<std::string> command() const override;
};

class redis_server final : public real_server {
 public:
  static std::string why_not();
  redis_server() : real_server(nullptr) { start(); }
  ~redis_server() { stop(); }

  std::string path() const { return directory() + "/redis.sock"; }

 private:
  std::vector<std::string> command() const override;
};

} // namespace weir::test
