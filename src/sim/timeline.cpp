#include "timeline_arrows.hpp"

#include <weir/sim/timeline.hpp>

#include <cstdint>
#include <utility>

namespace weir::sim {
namespace {

// Pixels.
constexpr std::size_t lane_width = 230;
constexpr std::size_t time_width = 150;
constexpr std::size_t head_height = 96;
constexpr std::size_t row_height = 20;

constexpr std::string_view style = R"(<style>
text { font: 12px monospace; fill: #222 }
.title { font-size: 15px; font-weight: bold }
.lane { font-size: 13px; font-weight: bold; text-anchor: middle }
.time { fill: #777; text-anchor: end }
.line { stroke: #ccc; stroke-width: 2 }
.phase { stroke: #36c; stroke-dasharray: 6 4 }
.phase_text { fill: #36c }
.arrow { stroke: #2a7; stroke-width: 1.4; marker-end: url(#head) }
.lost { stroke: #b70; stroke-width: 1.4; stroke-dasharray: 4 3 }
.dot { fill: #555 }
.fault { fill: #d22 }
.fault_text { fill: #d22; font-weight: bold }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#2a7"/></marker></defs>
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char each : text) {
    if (each == '<')
      safe += "&lt;";
    else if (each == '&')
      safe += "&amp;";
    else if (each == '"')
      safe += "&quot;";
    else if (static_cast<unsigned char>(each) >= ' ')
      safe += each;
  }
  return safe;
}

std::string milliseconds(std::uint64_t ns) {
  std::string micro = std::to_string(ns / 1000 % 1000);
  micro.insert(0, 3 - micro.size(), '0');
  return std::to_string(ns / 1'000'000) + "." + micro + " ms";
}

/// What stands beside a mark. The rest is in its tool tip.
std::string label_of(const trace_record& record) {
  switch (record.what) {
  case event::sent:
  case event::datagram_sent:
  case event::arrived:
  case event::datagram_arrived:
    return std::to_string(record.b) + " B";
  case event::fault:
    return record.a < fault_count ? std::string(name_of(static_cast<fault>(record.a))) : "fault";
  case event::phase:
    return record.a == 0 ? "faults begin" : record.a == 1 ? "faults have stopped" : "the end";
  case event::note:
    return "note #" + std::to_string(record.subject) + ": " + std::to_string(record.a);
  case event::connecting:
  case event::connected:
  case event::accepted:
  case event::ended:
  case event::reset:
  case event::closed:
    return std::string(name_of(record.what)) + " #" + std::to_string(record.subject);
  default:
    return std::string(name_of(record.what));
  }
}

class drawing {
 public:
  drawing(const run_report& report, const timeline_picture& picture)
      : report_(report), picture_(picture), lanes_(lanes_needed()) {}

  std::string draw(std::string_view title) {
    open();
    text("title", 12, 24, title);
    text(report_.passed() ? "phase_text" : "fault_text", 12, 46,
         report_.passed() ? "passed" : std::string_view(report_.failure));
    draw_lanes();
    draw_times();
    for (const timeline_arrow& each : picture_.arrows) draw(each);
    for (const timeline_mark& each : picture_.marks) draw(each);
    svg_ += "</svg>\n";
    return std::move(svg_);
  }

 private:
  /// Those that the report names, and those that only events know of.
  std::size_t lanes_needed() const {
    std::size_t most = report_.hosts.size();
    for (const timeline_mark& each : picture_.marks) most = std::max<std::size_t>(most, each.record.host);
    return most + 1; // lane 0 is the world's
  }

  std::size_t width() const { return time_width + lanes_ * lane_width; }
  std::size_t height() const { return head_height + (picture_.row_times_ns.size() + 1) * row_height; }
  static std::size_t x_of(std::size_t host) { return time_width + host * lane_width + lane_width / 2; }
  static std::size_t y_of(std::size_t row) { return head_height + row * row_height + row_height / 2; }

  void open() {
    const std::string w = std::to_string(width()), h = std::to_string(height());
    svg_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h +
           "\" viewBox=\"0 0 " + w + " " + h + "\">\n";
    svg_ += style;
    svg_ += "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  }

  void text(std::string_view kind, std::size_t x, std::size_t y, std::string_view what) {
    svg_ += "<text class=\"" + std::string(kind) + "\" x=\"" + std::to_string(x) + "\" y=\"" +
            std::to_string(y) + "\">" + escaped(what) + "</text>\n";
  }
  void line(std::string_view kind, std::size_t x1, std::size_t y1, std::size_t x2, std::size_t y2,
            std::string_view tip = "") {
    svg_ += "<line class=\"" + std::string(kind) + "\" x1=\"" + std::to_string(x1) + "\" y1=\"" +
            std::to_string(y1) + "\" x2=\"" + std::to_string(x2) + "\" y2=\"" + std::to_string(y2) + "\">";
    if (!tip.empty()) svg_ += "<title>" + escaped(tip) + "</title>";
    svg_ += "</line>\n";
  }

  void draw_lanes() {
    for (std::size_t host = 0; host < lanes_; ++host) {
      const bool is_named = host > 0 && host <= report_.hosts.size();
      const std::string name = host == 0  ? "the world"
                               : is_named ? report_.hosts[host - 1]
                                          : "host " + std::to_string(host);
      text("lane", x_of(host), head_height - 16, name);
      line("line", x_of(host), head_height - 8, x_of(host), height() - 4);
    }
  }

  void draw_times() {
    std::uint64_t before_ns = 0;
    for (std::size_t row = 0; row < picture_.row_times_ns.size(); ++row) {
      const std::uint64_t at_ns = picture_.row_times_ns[row];
      if (at_ns != before_ns) text("time", time_width - 20, y_of(row) + 4, milliseconds(at_ns));
      before_ns = at_ns;
    }
  }

  void draw(const timeline_arrow& arrow) {
    const std::size_t x = x_of(arrow.from.record.host), y = y_of(arrow.from.row);
    if (arrow.has_arrived) {
      line("arrow", x, y, x_of(arrow.to.record.host), y_of(arrow.to.row), describe(arrow.to.record));
      return;
    }
    const bool goes_right = arrow.from.record.a > arrow.from.record.host;
    line("lost", x, y, goes_right ? x + lane_width / 3 : x - lane_width / 3, y + row_height / 2,
         "has not arrived: " + describe(arrow.from.record));
  }

  void draw(const timeline_mark& mark) {
    const std::size_t x = x_of(mark.record.host), y = y_of(mark.row);
    const bool is_fault = mark.record.what == event::fault || mark.record.what == event::host_crashed;
    if (mark.record.what == event::phase) line("phase", time_width - 10, y, width() - 4, y);
    const std::string tip = "<title>" + escaped(describe(mark.record)) + "</title>";
    if (is_fault)
      svg_ += "<path class=\"fault\" transform=\"translate(" + std::to_string(x) + "," + std::to_string(y) +
              ")\" d=\"M0,-7 L7,0 L0,7 L-7,0 z\">" + tip + "</path>\n";
    else
      svg_ += "<circle class=\"dot\" cx=\"" + std::to_string(x) + "\" cy=\"" + std::to_string(y) +
              "\" r=\"3\">" + tip + "</circle>\n";
    const std::string_view kind = is_fault                           ? "fault_text"
                                  : mark.record.what == event::phase ? "phase_text"
                                                                     : "label";
    text(kind, x + 10, y - 3, label_of(mark.record));
  }

  const run_report& report_;
  const timeline_picture& picture_;
  std::size_t lanes_;
  std::string svg_;
};

} // namespace

std::string timeline_svg(std::string_view title, const run_report& report,
                         std::span<const trace_record> events, const timeline_options& options) {
  const timeline_picture picture = arrange_timeline(events, options.events_max);
  return drawing(report, picture).draw(title);
}

} // namespace weir::sim
