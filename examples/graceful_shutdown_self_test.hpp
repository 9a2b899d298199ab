// The client that graceful_shutdown tests itself with.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

/// A client that is served, sees the server told to end, is served still, and leaves.
inline void be_a_client(weir::address at) {
  weir::descriptor self(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  char byte = 'x';
  const auto ask = [&] {
    return ::send(self.get(), &byte, 1, 0) == 1 && ::recv(self.get(), &byte, 1, 0) == 1;
  };
  const bool first = ::connect(self.get(), at.raw(), at.raw_bytes()) == 0 && ask();
  ::kill(::getpid(), SIGTERM);
  const bool second = first && ask();
  std::puts(second ? "served to the end" : "not served");
}
