#include <support/descriptors.hpp>
#include <support/loop_fixture.hpp>

namespace weir::test {

loop_fixture::loop_fixture() : open_before_(open_descriptors()), list_before_(list_of_open_descriptors()) {}

void loop_fixture::open(const backend_case& which, const loop_options& options,
                        const loop::backend_factory& backends) {
  close_loop();
  use_backend(which);
  if (which.is_io_uring()) {
    if (const std::string reason = why_no_io_uring(); !reason.empty()) GTEST_SKIP() << reason;
  }
  if (which.is_simulated() && !simulated_)
    simulated_ = std::make_unique<simulated_host>(testing::UnitTest::GetInstance()->random_seed(),
                                                  which.simulated == simulation::hostile);
  auto made = backends ? loop::create(options, backends) : create_loop(options);
  ASSERT_TRUE(made) << made.error().message();
  loop_ = std::move(*made);
  EXPECT_EQ(loop_->backend().capabilities() & which.allowed, loop_->backend().capabilities())
      << "what was taken away is used: " << loop_->backend().capabilities().to_string();
}

void loop_fixture::close_loop() {
  if (!loop_) return;
  EXPECT_EQ(loop_->outstanding(), 0u) << loop_->dump();
  const std::uint64_t completions = loop_->counters().completions;
  turn();
  turn();
  EXPECT_EQ(loop_->counters().completions, completions) << "a completion of nobody was dispatched";
  const bool has_ring = loop_->backend().capabilities().has(capability::provided_buffers);
  EXPECT_LE(loop_->buffers().slots_in_use(), has_ring ? loop_->options().io.ring_slots : 0u);
  loop_.reset();
}

void loop_fixture::TearDown() {
  close_loop();
  if (simulated_) {
    EXPECT_EQ(simulated_->open_descriptors(), 0u) << "simulated descriptors were left open";
  }
  simulated_.reset();
  use_backend(backend_case{});
  EXPECT_EQ(open_descriptors(), open_before_) << "before:\n"
                                              << list_before_ << "after:\n"
                                              << list_of_open_descriptors();
}

} // namespace weir::test
