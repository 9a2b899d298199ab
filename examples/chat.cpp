// Chat: every line that somebody says reaches all who are in the room. Nobody waits for a slow reader: who is
// 64 lines behind misses the oldest and is told how many; who takes nothing for a minute leaves. `chat
// ADDRESS:PORT`
#include "chat_self_test.hpp"

#include <weir/async/broadcast.hpp>
#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>

using namespace weir;
using namespace std::chrono_literals;
using room = broadcast<std::string>;

task<result<>> tell(stream& member, std::string line) {
  transfer sent = co_await member.write_all(std::as_bytes(std::span(line))); // waits while it does not read
  if (!sent) co_return fail(sent.error());
  co_return result<>();
}

task<result<>> listen(stream& member, room& all) {
  room::subscription heard(all, subscription_options(64, at_bound::drop_oldest));
  std::uint64_t missed = 0;
  std::string line = "welcome\n";
  for (;;) {
    result<> told = co_await with_deadline(60s, tell(member, std::move(line)));
    if (!told) co_return told;
    result<std::string> next = co_await heard.receive();
    if (!next) co_return fail(next.error());
    const std::uint64_t more = heard.dropped() - std::exchange(missed, heard.dropped());
    line = more > 0 ? "(" + std::to_string(more) + " lines missed)\n" + *next : std::move(*next);
  }
}

task<result<>> talk(stream& member, room& all) {
  std::string said;
  for (;;) {
    result<lease> bytes = co_await member.read();
    if (!bytes) co_return fail(bytes.error());
    said.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    for (std::size_t end; (end = said.find('\n')) != std::string::npos; said.erase(0, end + 1)) {
      result<> sent = co_await all.send(said.substr(0, end + 1));
      if (!sent) co_return sent;
    }
    if (said.size() > 4096) co_return fail(errc::limit_reached, "line");
    if (bytes->empty()) co_return result<>();
  }
}

task<result<>> attend(stream member, room& all) {
  (void)co_await when_any(talk(member, all), listen(member, all)); // until one of them ends
  co_return co_await with_deadline(60s, member.close());
}

task<result<>> serve(address at) {
  result<listener> door = listener::bind(at);
  if (!door) co_return fail(door.error());
  room all;
  auto admit = [&](nursery& members) -> task<result<>> {
    for (;;) {
      result<stream> member = co_await door->accept();
      if (!member) co_return fail(member.error());
      result<> admitted = co_await members.spawn(attend(std::move(*member), all));
      if (!admitted) co_return admitted;
    }
  };
  co_return co_await with_nursery(nursery_options(1000, nursery_policy::isolate), admit);
}

int main(int argc, char** argv) {
  const std::string_view where = argc > 1 ? argv[1] : "127.0.0.1:7777";
  if (where == "--self-test") return self_test(serve);
  auto loop = loop::create();
  auto at = address::parse_ip(where);
  return loop && at && run(**loop, serve(*at)) ? 0 : 1;
}
