// The plan for a cluster as a table.
#include <algorithm>
#include <cstdio>
#include <functional>

#include "rlhf/core/memory.h"
#include "rlhf/train/scale_plan.h"

namespace rlhf {

namespace {

std::string formatted(const char* format, double number) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

/// Plans of sizes without limits do not overflow.
std::string size_text(double bytes) { return binary_size(static_cast<std::int64_t>(std::min(bytes, 0x1p62))); }

std::string time_text(double s) { return s < 1 ? formatted("%.3g ms", s * 1e3) : formatted("%.4g s", s); }

std::string count_text(double count) { return formatted("%.0f", count); }

class Table {
 public:
  Table(const Workload& work, const Cluster& cluster) : work_(work), cluster_(cluster) {
    for (const Sharding shard : kShardings) plans_.push_back(plan_scale(work, cluster, shard));
  }

  std::vector<std::string> lines() {
    lines_ = {title()};
    std::string head = padded("train.shard");
    for (const Sharding shard : kShardings) head += cell(std::string(name_of(shard)));
    lines_.push_back(head);
    add_memory();
    add_traffic();
    add_time();
    return lines_;
  }

 private:
  using Of = std::function<std::string(const ScalePlan&)>;

  static std::string padded(std::string name) {
    constexpr std::size_t kWidth = 34;
    name.resize(std::max(kWidth, name.size() + 1), ' ');
    return name;
  }
  static std::string cell(const std::string& text) {
    constexpr std::size_t kWidth = 14;
    return std::string(kWidth - std::min(kWidth, text.size()), ' ') + text;
  }

  void add(const std::string& name, const Of& of) {
    std::string line = padded(name);
    for (const ScalePlan& plan : plans_) line += cell(of(plan));
    lines_.push_back(line);
  }
  void add_size(const std::string& name, const std::function<double(const ScalePlan&)>& of) {
    add("  " + name, [&](const ScalePlan& plan) { return size_text(of(plan)); });
  }
  void add_seconds(const std::string& name, double (*of)(const ScaleTime&)) {
    add("  " + name, [&](const ScalePlan& plan) { return time_text(of(plan.time)); });
  }

  std::string title() const {
    const GpuSpec& gpu = spec_of(cluster_.gpu);
    return "cluster: " + std::to_string(cluster_.ranks) + " × " + gpu.title + " on " + std::to_string(cluster_.nodes) +
           (cluster_.nodes == 1 ? " node" : " nodes") + "; a step has " + count_text(work_.tokens) + " tokens";
  }

  void add_memory() {
    lines_.emplace_back("memory of a rank");
    for (std::size_t i = 0; i < work_.roles.size(); ++i)
      if (!work_.roles[i].before_training)
        add_size("weights of the " + work_.roles[i].name, [i](const ScalePlan& p) { return p.memory.weights[i]; });
    add_size("gradients", [](const ScalePlan& p) { return p.memory.gradients; });
    add_size("masters and moments", [](const ScalePlan& p) { return p.memory.states; });
    add_size("activations", [](const ScalePlan& p) { return p.memory.activations + p.memory.gathered; });
    if (samples()) add_size("or KV cache and prompts", [](const ScalePlan& p) { return p.memory.rollout; });
    add_size("together", [](const ScalePlan& p) { return p.memory.total(); });
    add("  fits into " + size_text(spec_of(cluster_.gpu).memory),
        [](const ScalePlan& p) { return std::string(p.fits ? "yes" : "NO"); });
    if (samples() || scores())
      add("  gathered without gradients", [](const ScalePlan& p) {
        return std::string(p.memory.gathered == 0 ? "-" : p.memory.lends_whole ? "whole models" : "layers");
      });
    add("  tokens of a micro-batch", [](const ScalePlan& p) { return count_text(p.memory.micro_batch_tokens); });
  }

  void add_traffic() {
    lines_.emplace_back("traffic of a step");
    add_size("sent by a rank", [](const ScalePlan& p) { return p.traffic; });
  }

  void add_time() {
    lines_.emplace_back("time of a step");
    if (samples()) add_seconds("generation", [](const ScaleTime& t) { return t.generation(); });
    if (scores()) add_seconds("passes without gradients", [](const ScaleTime& t) { return t.scoring; });
    add_seconds("training", [](const ScaleTime& t) { return t.training; });
    add_seconds("communication", [](const ScaleTime& t) { return t.communication; });
    add_seconds("together", [](const ScaleTime& t) { return t.total(); });
    add("  tokens per second and GPU",
        [&](const ScalePlan& p) { return count_text(work_.tokens / p.time.total() / cluster_.ranks); });
    add("limit", [](const ScalePlan& p) { return std::string(p.limit); });
  }

  bool samples() const { return work_.generation.responses > 0; }
  bool scores() const {
    return std::any_of(work_.roles.begin(), work_.roles.end(), [](const Role& role) { return role.forwards > 0; });
  }

  const Workload& work_;
  const Cluster& cluster_;
  std::vector<ScalePlan> plans_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> scale_table(const Workload& workload, const Cluster& cluster) {
  return Table(workload, cluster).lines();
}

}  // namespace rlhf
