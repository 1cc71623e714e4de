#include "report/metric_table.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "support/source_dir.h"

namespace rlhf {
namespace {

using Names = std::vector<std::string>;

// The names in the tables of docs/metrics.md.
Names documented_names() {
  std::ostringstream text;
  text << std::ifstream(testing::source_dir() + "/../docs/metrics.md").rdbuf();
  Names names;
  std::istringstream lines(text.str());
  const std::regex name("`([a-z_/]+)`");
  for (std::string line; std::getline(lines, line);) {
    const std::string first = line.starts_with("| `") ? line.substr(1, line.find('|', 1) - 1) : "";
    for (auto it = std::sregex_iterator(first.begin(), first.end(), name); it != std::sregex_iterator(); ++it)
      names.push_back((*it)[1]);
  }
  return names;
}

TEST(MetricTable, KnowsEveryDocumentedMetric) {
  const Names names = documented_names();
  EXPECT_GE(names.size(), 40u);
  for (const std::string& name : names) EXPECT_NE(metric_info(name).section, "Other") << name;
}

TEST(MetricTable, EvaluationSharesTheChartOfTraining) {
  EXPECT_EQ(metric_info("eval_loss").chart, "loss");
  EXPECT_EQ(metric_info("eval_loss").better, Better::lower);
  EXPECT_EQ(metric_info("eval_mean_reward").chart, "eval_rewards");  // three curves each: a chart of their own
  EXPECT_EQ(metric_info("mean_reward").chart, "rewards");
  EXPECT_EQ(metric_info("eval_unheard_of").section, "Other");
}

TEST(MetricTable, OrdersCurvesOfOneChartBesideEachOther) {
  Names names = {"zz",   "eval_max_reward", "objective/kl", "max_reward", "eval_loss", "mean_reward", "aa",
                 "loss", "eval_mean_reward"};
  sort_metrics(names);
  EXPECT_EQ(names, (Names{"loss", "eval_loss", "mean_reward", "max_reward", "eval_mean_reward", "eval_max_reward",
                          "objective/kl", "aa", "zz"}));
}

TEST(MetricTable, BytesBecomeMebibytes) {
  const Curve curve = scaled({"perf/peak_memory_bytes", {{1, 3 << 20}}});
  EXPECT_EQ(curve.points[0].second, 3.0);
  EXPECT_EQ(scaled({"loss", {{1, 2.5}}}).points[0].second, 2.5);
}

}  // namespace
}  // namespace rlhf
