// A file is replaced again and again on a host that crashes at any moment, with a disk that fails, is full
// and loses what was not synced.
//
// Rules:
//   1. Whoever reads finds one version of the content, wholly; after a crash too.
//   2. It is the last that `atomic_replace` acknowledged, or a later one that was under way or failed.
//   3. Once there was a version there always is one.
//   4. When nothing fails any more replacements succeed.
#include "crashes.hpp"
#include "scenarios.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/fs/atomic_replace.hpp>
#include <weir/fs/file.hpp>
#include <weir/sim/hosts_run.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <vector>

namespace weir::scenarios {
namespace {

using octets = std::vector<std::byte>;

class file_replace_run final : public sim::hosts_run {
 public:
  explicit file_replace_run(sim::world& in) : hosts_run(in, crashes_often()), host_(add_host("disk")) {
    let_crashes_take_much(in);
    fate().may_crash(host_);
    host_.start([this](sim::host&) { return live(); });
  }

 private:
  static constexpr std::uint64_t versions = 12;
  static constexpr std::size_t bytes_max = 20'000;
  static constexpr const char* path = "/state";

  /// Of a size of its own, and unlike every other in every byte but by chance.
  static octets content_of(std::uint64_t version) {
    octets content(sizeof version + version * 7'919 % bytes_max);
    for (std::size_t i = 0; i < content.size(); ++i)
      content[i] = static_cast<std::byte>((version * 0x9e3779b97f4a7c15 + i * i * 31) >> 16);
    std::memcpy(content.data(), &version, sizeof version);
    return content;
  }

  task<> live() {
    co_await look();
    co_await when_all(replace(), keep_looking());
  }

  task<> replace() {
    while (acknowledged_ < versions) {
      const bool was_well = is_calm();
      const std::uint64_t version = ++begun_;
      const octets content = content_of(version);
      result<> replaced = co_await fs::atomic_replace(path, content);
      if (replaced) acknowledged_ = version;
      if (!host_.is_up() || (!replaced && replaced.error().is_cancelled())) co_return;
      if (was_well) demand(replaced.has_value(), "4: a replacement failed though nothing fails any more");
      note(version, replaced.has_value());
    }
  }

  task<> keep_looking() {
    while (acknowledged_ < versions && host_.is_up()) {
      co_await look();
      result<> slept = co_await sleep_for(std::chrono::nanoseconds(draw().below(20'000'000)));
      if (!slept) co_return;
    }
  }

  task<> look() {
    const std::uint64_t least = acknowledged_;
    result<fs::file> state = co_await fs::file::open(path);
    if (!state) {
      const bool is_missing = state.error() == std::errc::no_such_file_or_directory;
      demand(!is_missing || least == 0, "3: the file is gone");
      co_return;
    }
    result<std::uint64_t> size = co_await state->size_bytes();
    if (!size) co_return;
    octets found(*size);
    transfer read = co_await state->read_exactly_at(0, found);
    if (read || read.error() == errc::end_of_stream) check(found, least);
  }

  void check(const octets& found, std::uint64_t least) {
    std::uint64_t version = 0;
    demand(found.size() >= sizeof version, "1: what was found is no version");
    if (found.size() < sizeof version) return;
    std::memcpy(&version, found.data(), sizeof version);
    demand(version <= begun_ && found == content_of(version), "1: what was found is no version");
    demand(version >= least, "2: what was acknowledged is lost");
  }

  sim::host& host_;
  std::uint64_t begun_ = 0;
  std::uint64_t acknowledged_ = 0;
};

} // namespace

constinit const sim::scenario file_replace{
    "file_replace", "a file that is replaced holds one version wholly, whenever its host crashes",
    sim::begin_run<file_replace_run>};

} // namespace weir::scenarios
