#include "report/metric_table.h"

#include <gtest/gtest.h>

namespace rlhf {
namespace {

using Names = std::vector<std::string>;

TEST(MetricTable, PlacesEveryMetricOfTheList) {
  for (const MetricInfo& info : kMetrics) EXPECT_NE(metric_view(std::string(info.name)).section, "Other") << info.name;
}

TEST(MetricTable, UnitsAreThoseOfTheStage) {
  EXPECT_EQ(metric_view("loss", "sft").unit, "nats per label token");
  EXPECT_EQ(metric_view("loss", "rm").unit, "nats per pair");
  EXPECT_EQ(metric_view("eval_loss", "rm").unit, "nats per pair");
  EXPECT_EQ(metric_view("objective/kl", "a method of the user's").unit, "nats per sequence");
}

TEST(MetricTable, EvaluationSharesTheChartOfTraining) {
  EXPECT_EQ(metric_view("eval_loss").chart, "loss");
  EXPECT_EQ(metric_view("eval_loss").better, Better::lower);
  EXPECT_EQ(metric_view("eval_mean_reward").chart, "eval_rewards");  // three curves each: a chart of their own
  EXPECT_EQ(metric_view("mean_reward").chart, "rewards");
  EXPECT_EQ(metric_view("eval_unheard_of").section, "Other");
}

TEST(MetricTable, OrdersCurvesOfOneChartBesideEachOther) {
  Names names = {"zz",   "eval_max_reward", "objective/kl", "max_reward", "eval_loss", "mean_reward", "aa",
                 "loss", "eval_mean_reward"};
  sort_metrics(names);
  EXPECT_EQ(names, (Names{"loss", "eval_loss", "mean_reward", "max_reward", "eval_mean_reward", "eval_max_reward",
                          "objective/kl", "aa", "zz"}));
}

TEST(MetricTable, BytesBecomeMebibytes) {
  EXPECT_EQ(metric_view("perf/peak_memory_bytes").unit, "MiB");
  EXPECT_EQ(scaled({"perf/peak_memory_bytes", {{1, 3 << 20}}}).points[0].second, 3.0);
  EXPECT_EQ(scaled({"loss", {{1, 2.5}}}).points[0].second, 2.5);
}

}  // namespace
}  // namespace rlhf
