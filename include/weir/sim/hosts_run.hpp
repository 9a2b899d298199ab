// hosts_run: a run of a scenario that is made of programs on hosts. It is done when all of them have ended; a
// program that throws has broken a rule.
//
//   class exchange final : public sim::hosts_run {
//    public:
//     explicit exchange(sim::world& in) : hosts_run(in) {
//       add_host("server").start([this](sim::host&) { return serve(); });
//       ...
//
// Programs may refer to the run: it outlives them, because hosts are emptied before it ends. Thread rule: the
// world's thread.
#pragma once

#include <weir/sim/host.hpp>
#include <weir/sim/misfortunes.hpp>
#include <weir/sim/scenario.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::sim {

class hosts_run : public scenario_run {
 public:
  explicit hosts_run(world& in, const misfortune_options& options = misfortune_options());
  ~hosts_run() override;

  bool is_done() const override;
  std::string missing() const override;
  void faults_stopped() override { is_calm_ = true; }

 protected:
  world& in() const noexcept { return world_; }
  host& add_host(std::string_view name) { return world_.add_host(name); }
  misfortunes& fate() noexcept { return misfortunes_; }
  /// A stream of this scenario's own, for what its programs choose.
  random_source& draw() noexcept { return random_; }

  /// Faults have stopped.
  bool is_calm() const noexcept { return is_calm_; }

  /// `what` is a rule that was broken if `holds` is false.
  void demand(bool holds, const char* what) const {
    if (!holds && world_.is_demanding()) world_.accuse(what);
  }
  void note(std::uint64_t subject, std::uint64_t a = 0, std::uint64_t b = 0) noexcept {
    world_.log().note(event::note, 0, subject, a, b);
  }

 private:
  world& world_;
  random_source random_;
  misfortunes misfortunes_;
  bool is_calm_ = false;
};

} // namespace weir::sim
