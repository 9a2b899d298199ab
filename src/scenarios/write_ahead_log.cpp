// A log whose records are acknowledged once they are synced, on a host that crashes at any moment. It starts
// by reading itself up to the first record that is not whole, and cuts off what is behind.
//
// Rules:
//   1. What was acknowledged is there after every crash, in its order, each record once.
//   2. What else is there was appended: the records that follow, as they were written.
//   3. When nothing fails any more appending succeeds.
#include "crashes.hpp"
#include "scenarios.hpp"

#include <weir/fs/file.hpp>
#include <weir/fs/paths.hpp>
#include <weir/sim/hosts_run.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace weir::scenarios {
namespace {

using octets = std::vector<std::byte>;

struct record_header {
  std::uint64_t number = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t check = 0; ///< of number, size and body
};

std::uint32_t check_of(const record_header& header, std::span<const std::byte> body) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ header.number ^ std::uint64_t{header.body_bytes} << 40;
  for (const std::byte each : body) hash = (hash ^ std::to_integer<std::uint64_t>(each)) * 0x100000001b3;
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

class write_ahead_log_run final : public sim::hosts_run {
 public:
  explicit write_ahead_log_run(sim::world& in) : hosts_run(in, crashes_often()), host_(add_host("log")) {
    let_crashes_take_much(in);
    fate().may_crash(host_);
    host_.start([this](sim::host&) { return live(); });
  }

 private:
  static constexpr std::uint64_t records = 60;
  static constexpr const char* path = "/log";

  /// Of sizes that meet the borders of sectors in every way.
  static void append_record(std::uint64_t number, octets& to) {
    record_header header;
    header.number = number;
    header.body_bytes = static_cast<std::uint32_t>(number * 389 % 1'400);
    octets body(header.body_bytes);
    for (std::size_t i = 0; i < body.size(); ++i)
      body[i] = static_cast<std::byte>((number + 1) * (i + 7) >> 3);
    header.check = check_of(header, body);
    const auto bytes = std::as_bytes(std::span(&header, 1));
    to.insert(to.end(), bytes.begin(), bytes.end());
    to.insert(to.end(), body.begin(), body.end());
  }

  task<> live() {
    result<fs::file> log = co_await open_log();
    while (!log && goes_on(log)) log = co_await open_log();
    if (!log) co_return;
    result<> recovered = co_await recover(*log);
    while (!recovered && goes_on(recovered)) recovered = co_await recover(*log);
    result<> appended;
    while (acknowledged_ < records && goes_on(appended)) appended = co_await append(*log);
  }

  template <class T>
  bool goes_on(const result<T>& behind) const {
    return host_.is_up() && (behind || !behind.error().is_cancelled());
  }

  /// Its name has to be durable too.
  task<result<fs::file>> open_log() {
    const auto options = fs::open_options(fs::access::read_write).creating(fs::creation::if_missing);
    result<fs::file> log = co_await fs::file::open(path, options);
    if (!log) co_return fail(std::move(log).error());
    result<> synced = co_await fs::sync_directory("/");
    if (!synced) co_return fail(std::move(synced).error());
    co_return std::move(log);
  }

  /// Where the disk failed it is to be tried again.
  task<result<>> recover(fs::file& log) {
    result<std::uint64_t> size = co_await log.size_bytes();
    if (!size) co_return fail(std::move(size).error());
    octets found(*size);
    transfer read = co_await log.read_exactly_at(0, found);
    if (!read) co_return fail(read.error());
    check(found);
    result<> cut = co_await log.truncate(end_bytes_);
    if (!cut) co_return cut;
    co_return co_await log.sync();
  }

  void check(std::span<const std::byte> found) {
    std::uint64_t number = 0;
    end_bytes_ = 0;
    octets expected;
    for (;; ++number) {
      append_record(number, expected);
      const std::span<const std::byte> rest = found.subspan(end_bytes_);
      record_header header;
      if (rest.size() < sizeof header) break;
      std::memcpy(&header, rest.data(), sizeof header);
      if (rest.size() - sizeof header < header.body_bytes) break;
      if (header.check != check_of(header, rest.subspan(sizeof header, header.body_bytes))) break;
      if (header.body_bytes == 0 && header.number == 0 && header.check == 0) break; // a hole
      const bool is_as_written =
          found.size() >= expected.size() && std::memcmp(found.data(), expected.data(), expected.size()) == 0;
      demand(is_as_written && number < begun_, "2: a record that nobody wrote");
      if (!is_as_written) break;
      end_bytes_ = expected.size();
    }
    demand(number >= acknowledged_, "1: a record that was acknowledged is lost");
    next_ = number;
  }

  /// A sync that fails leaves it open what is on the disk, and the next one does not tell: what it was to
  /// make durable is written anew.
  task<result<>> append(fs::file& log) {
    const bool was_well = is_calm();
    const std::uint64_t behind = next_ + 1 + draw().below(4);
    octets batch;
    for (std::uint64_t number = next_; number < behind; ++number) append_record(number, batch);
    begun_ = std::max(begun_, behind);
    transfer written = co_await log.write_all_at(end_bytes_, batch);
    result<> synced = co_await log.sync_data();
    const bool is_durable = written && synced;
    if (is_durable) {
      next_ = acknowledged_ = behind;
      end_bytes_ += batch.size();
    }
    if (was_well && host_.is_up()) demand(is_durable, "3: appending failed though nothing fails any more");
    note(behind, is_durable);
    if (!written) co_return fail(written.error());
    co_return synced;
  }

  sim::host& host_;
  std::uint64_t begun_ = 0;        ///< behind the last record that was ever written
  std::uint64_t acknowledged_ = 0; ///< behind the last that is durable
  // Of this life.
  std::uint64_t next_ = 0;
  std::uint64_t end_bytes_ = 0;
};

} // namespace

constinit const sim::scenario write_ahead_log{
    "write_ahead_log", "a log that syncs before it acknowledges keeps every acknowledged record over crashes",
    sim::begin_run<write_ahead_log_run>};

} // namespace weir::scenarios
