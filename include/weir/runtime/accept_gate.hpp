// accept_gate: keeps a server below the number of connections and of descriptors that it can serve.
//
//   accept_gate gate(gate_options(10'000));
//   result<admitted> guest = co_await gate.accept(door);   // `door` bound with `accepted_max` 0
//
// At the limit, which is found before the system is out of descriptors, `overload::wait` accepts nothing: who
// comes waits in the kernel's backlog, at no cost, until a connection ends. `overload::shed` accepts, says
// `farewell` and closes. Where descriptors run out all the same, because others than connections took them,
// nothing spins: waiting looks again when a connection ends, at least every 100 ms; shedding closes a
// descriptor that is kept in reserve for this, accepts, and opens it again, or waits where nobody is there.
//
// Bound: the least of `connections_max` and RLIMIT_NOFILE (at the time when the gate is made) less the
// descriptors that are open then and `descriptors_reserve`; at least one. Thread rule: made and used on one
// loop; a permit may be carried to another and ends there. Lifetime: permits may outlive the gate.
// Cancel-safety: `accept` cancelled takes no connection. Source: RLIMIT_NOFILE in getrlimit(2), EMFILE in
// accept(2).
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/listener.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir {

enum class overload : std::uint8_t {
  wait, ///< in the backlog
  shed, ///< accepted and closed
};

struct gate_options {
  explicit gate_options(std::size_t connections = 10'000, overload policy = overload::wait)
      : connections_max(connections), at_limit(policy) {}

  std::size_t connections_max;
  std::size_t descriptors_reserve = 64; ///< for all that is no connection and opened later
  overload at_limit;
  std::string farewell; ///< what those are sent that are shed, as far as a socket takes it at once
};

class accept_gate {
  struct state;

 public:
  /// `shares`: how many gates divide the limits among them.
  explicit accept_gate(const gate_options& options = gate_options(), unsigned shares = 1);
  accept_gate(accept_gate&&) = default;
  accept_gate& operator=(accept_gate&&) = default;

  /// The right to be one of the connections; given back with its end, on whatever thread.
  class permit {
   public:
    permit() = default;

   private:
    friend class accept_gate;
    struct give_back {
      void operator()(state* to) const noexcept;
      std::shared_ptr<state> keeper;
    };
    explicit permit(const std::shared_ptr<state>& from) noexcept : from_(from.get(), give_back{from}) {}
    std::unique_ptr<state, give_back> from_;
  };

  struct admitted {
    admitted(descriptor accepted, permit right) noexcept
        : connection(std::move(accepted)), held(std::move(right)) {}
    descriptor connection;
    permit held;
  };

  /// The next connection. Errors: of the listener, but for what a server survives.
  task<result<admitted>> accept(listener& door);

  std::size_t limit() const noexcept;
  std::size_t in_use() const noexcept;
  /// Connections that were closed because of the limit.
  std::uint64_t shed() const noexcept;

 private:
  std::optional<permit> try_admit() noexcept;
  task<result<>> until_below_limit();
  void shed_one(descriptor connection) noexcept;
  task<result<>> descriptors_ran_out(listener& door);

  struct leave {
    std::shared_ptr<state> keeper;
    void operator()(state* left) const noexcept;
  };
  std::unique_ptr<state, leave> state_;
};

using admitted = accept_gate::admitted;

} // namespace weir
