// The self-test of chat: one member talks, one listens, and one sleeps until all is said.
#pragma once

#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/net/stream.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <tuple>

class chat_member {
 public:
  static weir::task<weir::result<chat_member>> enter(weir::address at) {
    weir::result<weir::stream> made = co_await weir::stream::connect(at);
    if (!made) co_return weir::fail(made.error());
    chat_member member(std::move(*made));
    weir::result<std::string> welcome = co_await member.next();
    if (!welcome) co_return weir::fail(welcome.error());
    co_return member;
  }

  weir::task<weir::result<>> say(std::string line) {
    weir::transfer sent = co_await room_.write_all(std::as_bytes(std::span(line)));
    if (!sent) co_return weir::fail(sent.error());
    co_return weir::result<>();
  }

  weir::task<weir::result<std::string>> next() {
    std::size_t end = std::string::npos;
    for (;;) {
      end = heard_.find('\n');
      if (end != std::string::npos) break;
      weir::result<weir::lease> bytes = co_await room_.read();
      if (!bytes) co_return weir::fail(bytes.error());
      if (bytes->empty()) co_return weir::fail(weir::errc::end_of_stream, "chat");
      heard_.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    }
    std::string line = heard_.substr(0, end);
    heard_.erase(0, end + 1);
    co_return line;
  }

 private:
  explicit chat_member(weir::stream room) : room_(std::move(room)) {}
  weir::stream room_;
  std::string heard_;
};

/// More than lies between a talker and a sleeper.
constexpr int lines_said = 4000;
inline std::string chat_line(int number) {
  return std::to_string(number) + std::string(1000, '.');
}

inline weir::task<weir::result<>> talk_to(chat_member& talker, chat_member& listener) {
  for (int i = 0; i < lines_said; ++i) {
    weir::result<> said = co_await talker.say(chat_line(i) + "\n");
    if (!said) co_return said;
    weir::result<std::string> heard = co_await listener.next();
    if (!heard) co_return weir::fail(heard.error());
    if (*heard != chat_line(i)) co_return weir::fail(weir::errc::protocol, "the listener missed a line");
  }
  co_return weir::result<>();
}

/// Each line is there, or counted among the missed.
inline weir::task<weir::result<>> wake_up(chat_member& sleeper) {
  int next = 0;
  bool has_missed = false;
  while (next < lines_said) {
    weir::result<std::string> line = co_await sleeper.next();
    if (!line) co_return weir::fail(line.error());
    int missed = 0;
    if (std::sscanf(line->c_str(), "(%d lines missed)", &missed) == 1)
      has_missed = true;
    else if (*line != chat_line(next))
      co_return weir::fail(weir::errc::protocol, "the sleeper heard what it should not");
    else
      missed = 1;
    next += missed;
  }
  if (!has_missed) co_return weir::fail(weir::errc::protocol, "the sleeper missed nothing");
  co_return weir::result<>();
}

inline weir::task<weir::result<>> meet(weir::address at) {
  auto talker = co_await chat_member::enter(at);
  auto listener = co_await chat_member::enter(at);
  auto sleeper = co_await chat_member::enter(at);
  if (!talker || !listener || !sleeper) co_return weir::fail(weir::errc::protocol, "nobody was let in");
  weir::result<> talked = co_await talk_to(*talker, *listener);
  if (!talked) co_return talked;
  co_return co_await wake_up(*sleeper);
}

template <class Serve>
weir::task<weir::result<>> open_and_meet(Serve serve, weir::address at) {
  auto outcome = co_await weir::when_any(serve(at), meet(at));
  if (outcome.first == 0) co_return std::get<0>(outcome.values); // the server should have gone on
  co_return std::get<1>(outcome.values);
}

template <class Serve>
int self_test(Serve serve) {
  auto loop = weir::loop::create();
  auto at = weir::address::unix_abstract("weir-chat-" + std::to_string(::getpid()));
  if (!loop || !at) return 1;
  const weir::result<> outcome =
      weir::run(**loop, weir::with_deadline(std::chrono::seconds(30), open_and_meet(serve, *at)));
  if (!outcome) std::fprintf(stderr, "chat: %s\n", outcome.error().message().c_str());
  return outcome ? 0 : 1;
}
