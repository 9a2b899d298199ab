// The reactor face with a C library: hiredis' asynchronous context asks for readiness through hooks, and a
// watch gives it. So is any library hung on a loop that hands out a descriptor and wants to be called.
#include <weir/async/event.hpp>
#include <weir/async/retry.hpp>
#include <weir/async/run.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/os/process.hpp>
#include <weir/os/watch.hpp>

#include <hiredis/async.h>
#include <unistd.h>

#include <string>

using namespace weir;

/// Serves a context while it lives. Its end answers what is still asked with nothing.
struct hiredis_on_loop {
  explicit hiredis_on_loop(redisAsyncContext& served)
      : context(served), socket(served.c.fd, readiness::none, on_ready, this) {
    context.ev.data = this;
    context.ev.addRead = [](void* self) { want(self, readiness::readable, true); };
    context.ev.delRead = [](void* self) { want(self, readiness::readable, false); };
    context.ev.addWrite = [](void* self) { want(self, readiness::writable, true); };
    context.ev.delWrite = [](void* self) { want(self, readiness::writable, false); };
    context.ev.cleanup = [](void* self) { static_cast<hiredis_on_loop*>(self)->socket = watch(); };
  }
  ~hiredis_on_loop() {
    if (socket) ::redisAsyncFree(&context);
  }
  static void want(void* self, readiness which, bool wanted) {
    watch& its = static_cast<hiredis_on_loop*>(self)->socket;
    its.set_interest(wanted ? its.interest() | which : its.interest() & ~which);
  }
  static void on_ready(void* self, readiness seen) noexcept {
    auto& me = *static_cast<hiredis_on_loop*>(self);
    if (any(seen & ~readiness::writable)) ::redisAsyncHandleRead(&me.context);
    if (me.socket && any(seen & readiness::writable)) ::redisAsyncHandleWrite(&me.context);
  }
  redisAsyncContext& context;
  watch socket; ///< empty once hiredis has freed the context
};

task<result<std::string>> ask(std::string path, std::string question) {
  struct {
    event done{event_reset::manual};
    std::string text;
  } answer;
  auto on_reply = [](redisAsyncContext*, void* reply, void* to) {
    auto& told = *static_cast<decltype(answer)*>(to);
    if (reply) told.text = static_cast<redisReply*>(reply)->str;
    told.done.set(); // who waits goes on later, outside of hiredis
  };
  redisAsyncContext* context = ::redisAsyncConnectUnix(path.c_str());
  if (!context) co_return fail(std::errc::not_enough_memory, "connect");
  hiredis_on_loop served(*context);
  if (context->err) co_return fail(error(std::errc::connection_refused, "connect").at(path));
  ::redisAsyncCommand(context, on_reply, &answer, "ECHO %s", question.c_str());
  result<> waited = co_await answer.done.wait();
  if (!waited) co_return fail(waited.error());
  co_return answer.text;
}

/// Beside a Redis server of its own. 77, skipped, where there is none; `--self-test` is no different.
task<int> talk(std::string path) {
  command redis("/usr/bin/redis-server", {"--port", "0", "--save", "", "--unixsocket", path});
  redis.output = redirection::nothing();
  result<process> server = process::spawn(redis);
  if (!server) co_return 77;
  auto attempt = [&] { return with_deadline(std::chrono::seconds(5), ask(path, "hello")); };
  result<std::string> answer = co_await retry(retry_policy(1000, std::chrono::milliseconds(1)), attempt);
  ::unlink(path.c_str());
  co_return answer == "hello" ? 0 : 1;
}

int main() {
  auto loop = loop::create();
  return loop ? run(**loop, talk("/tmp/weir-face-" + std::to_string(::getpid()))) : 1;
}
