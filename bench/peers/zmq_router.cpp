// ROUTER to ROUTER over Debian's libzmq, through its own C interface and in the way its own benchmarks use
// it: one I/O thread a context, unlimited high-water marks, reused messages on the receiving side.
#include "../support/count_calls.hpp"
#include "../support/script.hpp"

#include <zmq.h>

namespace {

using namespace bench;

int require(int result, std::string_view what) {
  if (result < 0) fail(what, zmq_strerror(zmq_errno()));
  return result;
}

// A context of its own with one ROUTER in it. The destructor waits until what was sent has left.
class router {
 public:
  router(std::string_view routing_id, side_number side) : context_(zmq_ctx_new()) {
    require(zmq_ctx_set(context_, ZMQ_THREAD_NAME_PREFIX, int(side)), "thread name");
    socket_ = zmq_socket(context_, ZMQ_ROUTER);
    if (socket_ == nullptr) fail("zmq_socket", zmq_strerror(zmq_errno()));
    set(ZMQ_SNDHWM, 0);
    set(ZMQ_RCVHWM, 0);
    set(ZMQ_ROUTER_MANDATORY, 1);
    require(zmq_setsockopt(socket_, ZMQ_ROUTING_ID, routing_id.data(), routing_id.size()), "routing id");
    zmq_msg_init(&id_);
    zmq_msg_init(&payload_);
  }
  router(const router&) = delete;
  router& operator=(const router&) = delete;
  ~router() {
    zmq_msg_close(&id_);
    zmq_msg_close(&payload_);
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }

  void bind(const std::string& endpoint) { require(zmq_bind(socket_, endpoint.c_str()), endpoint); }
  void connect(const std::string& endpoint) { require(zmq_connect(socket_, endpoint.c_str()), endpoint); }

  // False while no peer of that id is connected.
  bool try_send(std::string_view id, const void* data, std::size_t size_bytes) {
    if (zmq_send(socket_, id.data(), id.size(), ZMQ_SNDMORE) < 0) {
      if (zmq_errno() == EHOSTUNREACH) return false;
      fail("zmq_send", zmq_strerror(zmq_errno()));
    }
    require(zmq_send(socket_, data, size_bytes, 0), "zmq_send");
    return true;
  }

  void receive() {
    require(zmq_msg_recv(&id_, socket_, 0), "zmq_msg_recv");
    require(zmq_msg_recv(&payload_, socket_, 0), "zmq_msg_recv");
  }
  std::string_view id() { return {static_cast<char*>(zmq_msg_data(&id_)), zmq_msg_size(&id_)}; }
  std::string_view payload() {
    return {static_cast<char*>(zmq_msg_data(&payload_)), zmq_msg_size(&payload_)};
  }

 private:
  void set(int option, int value) {
    require(zmq_setsockopt(socket_, option, &value, sizeof value), "socket option");
  }

  void* context_;
  void* socket_;
  zmq_msg_t id_;
  zmq_msg_t payload_;
};

side_record receive_all(const options& o, const std::function<void()>& on_bound) {
  const auto& counts = count_on_side(receiving_number);
  router socket("receiver", receiving_number);
  socket.bind(o.endpoint);
  on_bound();
  receiving_side side(o, [&] { return counts.read(); });
  while (!side.finished()) {
    socket.receive();
    const auto payload = socket.payload();
    if (side.on_message(payload.data(), payload.size()) &&
        !socket.try_send(socket.id(), payload.data(), payload.size()))
      fail("receiver", "the sender has gone");
  }
  return side.record();
}

void send_hello(router& socket, const std::vector<char>& hello) {
  constexpr timespec pause{0, 200'000};
  while (!socket.try_send("receiver", hello.data(), hello.size())) nanosleep(&pause, nullptr);
}

side_record send_all(const options& o) {
  const auto& counts = count_on_side(sending_number);
  router socket("sender", sending_number);
  socket.connect(o.endpoint);
  sending_side side(o, [&] { return counts.read(); });
  send_hello(socket, side.next());
  side.on_sent();
  while (!side.finished()) {
    if (side.waiting()) {
      socket.receive();
      side.on_answer(socket.payload().data(), socket.payload().size());
    } else {
      const auto& payload = side.next();
      if (!socket.try_send("receiver", payload.data(), payload.size()))
        fail("sender", "the receiver has gone");
      side.on_sent();
    }
  }
  return side.record();
}

} // namespace

int main(int argc, char** argv) {
  return run_contestant(parse_options(argc, argv), receive_all, send_all);
}
