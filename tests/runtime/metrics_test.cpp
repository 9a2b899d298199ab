#include "runtime_rig.hpp"

#include <weir/runtime/metrics.hpp>

#include <nlohmann/json.hpp>
#include <support/recorded.hpp>

#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <sstream>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// The text exposition format 0.0.4, read strictly: what is wrong with a line is a test failure.
class exposition_reader {
 public:
  struct sample {
    std::string labels;
    double value;
  };

  explicit exposition_reader(const std::string& text) {
    EXPECT_TRUE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read(line);
  }

  std::map<std::string, std::string> types;          ///< of families
  std::map<std::string, std::vector<sample>> series; ///< by the name that stands in the line

  double value_of(const std::string& name, const std::string& labels) const {
    const auto found = series.find(name);
    if (found != series.end())
      for (const sample& each : found->second)
        if (each.labels == labels) return each.value;
    ADD_FAILURE() << "no " << name << "{" << labels << "}";
    return -1;
  }

 private:
  void read(const std::string& line) {
    static const std::regex help(R"(# HELP ([a-z_]+) (\S.*))"),
        type(R"(# TYPE ([a-z_]+) (counter|gauge|histogram))"),
        value(R"(([a-z_]+)\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\} (\S+))");
    std::smatch parts;
    if (std::regex_match(line, parts, help)) {
      helped_ = parts[1];
    } else if (std::regex_match(line, parts, type)) {
      EXPECT_EQ(parts[1], helped_) << "HELP and TYPE stand together";
      EXPECT_TRUE(types.emplace(parts[1], parts[2]).second) << "a second time: " << line;
      family_ = parts[1];
    } else if (std::regex_match(line, parts, value)) {
      EXPECT_TRUE(belongs_to_family(parts[1])) << line;
      const std::string number = parts[3];
      double read_value = 0;
      const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), read_value);
      EXPECT_TRUE(wrong == std::errc{} && *end == '\0') << line;
      series[parts[1]].push_back({parts[2], read_value});
    } else {
      ADD_FAILURE() << "neither comment nor sample: " << line;
    }
  }
  bool belongs_to_family(const std::string& name) const {
    if (types.at(family_) != "histogram") return name == family_;
    return name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count";
  }

  std::string helped_, family_;
};

/// Two loops, one of which has done something.
class metrics_test : public testing::Test {
 protected:
  metrics_test() {
    std::promise<void> done;
    op_.then = [&] { done.set_value(); };
    busy_.start([&] { op_.start(busy_.home()); });
    done.get_future().wait();
    busy_.call([] {}); // its time is noted when the handler has returned
  }

  static loop_options measuring() {
    loop_options options;
    options.measure_handlers = true;
    options.slow_handler_ns = 0;
    return options;
  }

  metrics_registry registry_;
  nop op_{lane::background};
  running_loop busy_{"busy", registry_, measuring()};
  running_loop idle_{"an \"idle\" one", registry_};
};

TEST_F(metrics_test, prometheus_text_is_well_formed_and_by_the_conventions) {
  const exposition_reader read(prometheus_text(registry_));
  EXPECT_GT(read.types.size(), 25u);
  for (const auto& [name, type] : read.types) {
    EXPECT_TRUE(name.starts_with("weir_")) << name;
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
    const bool has_base_unit = name.find("_ns") == std::string::npos && name.find("_ms") == std::string::npos;
    EXPECT_TRUE(has_base_unit) << name;
  }
}

TEST_F(metrics_test, prometheus_text_tells_what_each_loop_has_counted) {
  const exposition_reader read(prometheus_text(registry_));
  EXPECT_EQ(read.value_of("weir_loop_operations_started_total", R"(loop="busy")"), 1);
  EXPECT_EQ(read.value_of("weir_loop_operations_started_total", R"(loop="an \"idle\" one")"), 0);
  EXPECT_EQ(read.value_of("weir_loop_completions_total", R"(loop="busy",lane="background")"), 1);
  EXPECT_GT(read.value_of("weir_loop_cpu_seconds_total", R"(loop="busy")"), 0);
  EXPECT_GT(read.value_of("weir_loop_system_calls_total", R"(loop="busy",call="wait")"), 0);
  EXPECT_EQ(read.value_of("weir_loop_info",
                          R"(loop="busy",backend=")" + std::string(busy_.home().backend().name()) + "\""),
            1);
}

TEST_F(metrics_test, histograms_are_cumulative_and_end_with_their_count) {
  const exposition_reader read(prometheus_text(registry_));
  const std::string labels = R"(loop="busy",kind="nop")";
  for (const std::string name : {"weir_operation_latency_seconds", "weir_handler_seconds"}) {
    double last = 0;
    std::size_t buckets = 0;
    for (const auto& each : read.series.at(name + "_bucket")) {
      if (!each.labels.starts_with(labels)) continue;
      EXPECT_GE(each.value, last);
      last = each.value;
      ++buckets;
    }
    EXPECT_GT(buckets, 10u);
    EXPECT_EQ(last, 1);
    EXPECT_EQ(read.value_of(name + "_count", labels), 1);
    EXPECT_EQ(read.value_of(name + "_bucket", labels + R"(,le="+Inf")"), 1);
    EXPECT_LT(read.value_of(name + "_sum", labels), 30);
  }
}

TEST_F(metrics_test, json_tells_the_same_and_what_only_the_loop_knows) {
  metrics_json_options patient;
  patient.patience = long_enough;
  const json all = json::parse(metrics_json(registry_, patient));
  EXPECT_EQ(all["process"], ::getpid());
  ASSERT_EQ(all["loops"].size(), 2u);
  const json& busy = all["loops"][1];
  EXPECT_EQ(all["loops"][0]["name"], "an \"idle\" one");
  EXPECT_EQ(busy["name"], "busy");
  EXPECT_EQ(busy["counters"]["operations_started"], 1);
  EXPECT_EQ(busy["counters"]["completions"], 1);
  EXPECT_EQ(busy["lanes"]["background"], 1);
  EXPECT_EQ(busy["histograms"]["latency_ns"]["nop"]["count"], 1);
  EXPECT_EQ(busy["histograms"]["handler_ns"]["nop"]["count"], 1);
  EXPECT_EQ(busy["slowest_handlers"][0]["operation"], "nop");
  EXPECT_TRUE(std::string(busy["slowest_handlers"][0]["file"]).ends_with("metrics_test.cpp"));
  EXPECT_EQ(busy["answers"], true);
  EXPECT_EQ(busy["connections"], 0);
}

TEST_F(metrics_test, json_of_a_stuck_loop_says_what_it_does_and_that_it_does_not_answer) {
  std::promise<void> held, released;
  idle_.start([&] {
    held.set_value();
    released.get_future().wait();
  });
  held.get_future().wait();
  metrics_json_options impatient;
  impatient.patience = 10ms;
  const json all = json::parse(metrics_json(registry_, impatient));
  released.set_value();
  EXPECT_EQ(all["loops"][0]["answers"], false);
  EXPECT_EQ(all["loops"][0]["now"]["phase"], "inbox");
}

/// Somebody who holds memory, as a stream does.
struct pretended_stream : memory_holder {
  explicit pretended_stream(std::size_t bytes) : memory_holder(tell), unread(bytes) {}
  static held_memory tell(const memory_holder& self) {
    held_memory held;
    held.kind = "stream";
    held.unread_bytes = static_cast<const pretended_stream&>(self).unread;
    return held;
  }
  std::size_t unread;
};

TEST_F(metrics_test, connections_are_listed_by_the_bytes_that_they_hold) {
  std::vector<std::unique_ptr<pretended_stream>> streams;
  busy_.call([&] {
    for (std::size_t i = 0; i < 500; ++i) {
      streams.push_back(std::make_unique<pretended_stream>((i * 7919) % 500));
      busy_.home().add_holder(*streams.back());
    }
  });
  metrics_json_options few;
  few.connections_max = 3;
  few.patience = long_enough;
  const json all = json::parse(metrics_json(registry_, few));
  const json& busy = all["loops"][1];
  EXPECT_EQ(busy["connections"], 500);
  ASSERT_EQ(busy["largest_connections"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(busy["largest_connections"][i]["unread_bytes"], 499 - i);
  busy_.call([&] { streams.clear(); });
}

} // namespace
} // namespace weir::test
