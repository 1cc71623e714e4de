// The report of rlhf-eval reward, from scores that the tests choose.
#include "reward_report.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

#include "report/markup_check.h"
#include "support/shared_data.h"

namespace rlhf {
namespace {

ReportOptions quick() { return {.bins = 5, .bootstrap = {.resamples = 200}, .kept_temperature = std::nullopt}; }

/// A record of one pair.
ComparedRecord pair_record(const PairVotes& votes, const std::string& domain = "") {
  ComparedRecord record;
  record.pairs = {{0, 1, votes}};
  record.domain = domain;
  return record;
}

bool finds(const RewardReport& report, const std::string& words) {
  for (const std::string& finding : report.findings)
    if (finding.find(words) != std::string::npos) return true;
  return false;
}

/// 100 pairs; the first answer is always the better one and `longer` tells whether it is the longer one.
template <typename Score, typename Longer>
RewardEvidence hundred_pairs(const Score& margin, const Longer& longer) {
  RewardEvidence evidence;
  for (std::int32_t i = 0; i < 100; ++i)
    evidence.add(pair_record({.first = 1}), {static_cast<float>(margin(i)), 0.0F}, {longer(i) ? 20 : 5, 10}, i);
  return evidence;
}

TEST(RewardReport, CountsWhatIsRightByLength) {
  // Longer is better in 60 of 100 pairs. The model is right in 54 of these and in 30 of the other 40.
  const auto longer = [](int i) { return i < 60; };
  const auto margin = [](int i) { return (i < 54 || (i >= 60 && i < 90)) ? 2.0 : -1.0; };
  const RewardReport report = make_reward_report(hundred_pairs(margin, longer), quick());
  const RewardRow& all = report.rows.at(0);
  EXPECT_EQ(all.pairs, 100U);
  EXPECT_NEAR(all.accuracy.value, 0.84, 1e-12);
  EXPECT_NEAR(all.longer, 0.6, 1e-12);
  EXPECT_NEAR(all.loss.value, 0.84 * std::log1p(std::exp(-2.0)) + 0.16 * std::log1p(std::exp(1.0)), 1e-7);
  EXPECT_EQ(report.length.longer_right.pairs, 60U);
  EXPECT_NEAR(report.length.longer_right.accuracy->value, 0.9, 1e-12);
  EXPECT_NEAR(report.length.shorter_right.accuracy->value, 0.75, 1e-12);
  EXPECT_NEAR(report.length.gap->value, 0.15, 1e-12);
  EXPECT_TRUE(report.length.longer_wins);
  EXPECT_NEAR(report.length.alone.value, 0.6, 1e-12);
  EXPECT_NEAR(report.length.gain.value, 0.24, 1e-12);
  EXPECT_NEAR(report.length.prefers_longer.value(), (54 + 10) / 100.0, 1e-12);
  EXPECT_NEAR(report.length.rank_correlation.value(), 2 * 0.64 - 1, 1e-12);
  EXPECT_TRUE(report.findings.empty()) << report.findings.front();
}

TEST(RewardReport, ExposesAModelThatReadsOnlyLengths) {
  const auto longer = [](int i) { return i < 70; };
  const RewardReport report =
      make_reward_report(hundred_pairs([&](int i) { return longer(i) ? 1.5 : -1.5; }, longer), quick());
  EXPECT_NEAR(report.rows.at(0).accuracy.value, 0.7, 1e-12) << "it looks well";
  EXPECT_EQ(report.length.shorter_right.accuracy->value, 0);
  EXPECT_EQ(report.length.gain.value, 0);
  EXPECT_TRUE(finds(report, "not better than a rule that reads only lengths (the longer answer: 70.0 %"));
  EXPECT_TRUE(finds(report, "prefers the longer answer in 100.0 %"));
  EXPECT_TRUE(finds(report, "where the longer answer is better, 0.0 %"));
}

TEST(RewardReport, ExposesALengthModelOnLlmBar) {
  const auto file = testing::shared_data() / "data/llmbar/pairs.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << " (RLHF_SHARED_DATA)";
  RewardEvidence evidence;
  double longer = 0, shorter = 0;
  for_each_compared({file.string()}, {}, [&](const ComparedRecord& record) {
    std::vector<float> scores;
    std::vector<std::int64_t> lengths;
    for (const Answer& answer : record.answered.content.answers) {
      lengths.push_back(static_cast<std::int64_t>(answer.text.size()));
      scores.push_back(0.01F * static_cast<float>(lengths.back()));
    }
    longer += lengths[0] > lengths[1];
    shorter += lengths[0] < lengths[1];
    evidence.add(record, scores, lengths, static_cast<std::int32_t>(evidence.records));
  });
  const RewardReport report = make_reward_report(evidence, quick());
  EXPECT_EQ(report.rows.at(0).pairs, 419U);
  EXPECT_NEAR(report.rows.at(0).accuracy.value, (longer + (419 - longer - shorter) / 2) / 419, 1e-12);
  EXPECT_LT(report.rows.at(0).accuracy.value, 0.5);
  EXPECT_GE(report.rows.size(), 6U) << "all, and five kinds of pairs";
  EXPECT_FALSE(report.length.longer_wins);
  EXPECT_TRUE(finds(report, "prefers the worse answer"));
  EXPECT_TRUE(finds(report, "not better than a rule that reads only lengths (the shorter answer"));
  EXPECT_TRUE(finds(report, "follows the length: prefers the longer answer in 100.0 %"));
}

TEST(RewardReport, NamesAccuracyAboveTheNoiseCeiling) {
  // Two of three votes agree on every pair: A = 1/3, so a single vote is a coin toss. A model that agrees with all
  // majorities agrees with two thirds of the votes; it can only have seen them.
  RewardEvidence evidence;
  for (std::int32_t i = 0; i < 60; ++i)
    evidence.add(pair_record({.first = 2, .second = 1}), {1.0F + 0.01F * static_cast<float>(i), 0.0F}, {7, 7}, i);
  const RewardReport report = make_reward_report(evidence, quick());
  EXPECT_NEAR(report.rows.at(0).accuracy.value, 2.0 / 3, 1e-12);
  EXPECT_EQ(report.rows.at(0).ceiling->value, 0.5);
  EXPECT_TRUE(finds(report, "possible leak, all: accuracy 66.7 %"));
}

TEST(RewardReport, TheCeilingIsThatOfASingleVote) {
  // Nine of ten pairs have two votes that agree, one has two that do not: A = 0.9, a = (1 + √0.8)/2.
  RewardEvidence evidence;
  for (std::int32_t i = 0; i < 10; ++i)
    evidence.add(pair_record(i == 0 ? PairVotes{1, 1, 0} : PairVotes{2, 0, 0}), {0.5F, 0.0F}, {3, 4}, i);
  EXPECT_NEAR(make_reward_report(evidence, quick()).rows.at(0).ceiling->value, (1 + std::sqrt(0.8)) / 2, 1e-12);
}

TEST(RewardReport, HasRowsForDomainsRolesAndGold) {
  RewardEvidence evidence;
  ComparedRecord judged = pair_record({.first = 2, .second = 1}, "law");
  judged.pairs[0].by_role[0] = {.first = 2};
  judged.pairs[0].by_role[1] = {.second = 1};
  judged.pairs[0].gold = PairVotes{.second = 1};
  evidence.add(judged, {1, 0}, {4, 9}, 0);
  evidence.add(pair_record({.first = 1}, "code"), {0, 0}, {4, 9}, 1);
  evidence.add(pair_record({.second = 1, .neither = 2}, "code"), {0, 0.25}, {4, 9}, 2);
  const RewardReport report = make_reward_report(evidence, quick());
  std::vector<std::string> names;
  for (const RewardRow& row : report.rows) names.push_back(row.name);
  EXPECT_EQ(names, (std::vector<std::string>{"all", "domain code", "domain law", "role crowd", "role expert", "gold"}));
  EXPECT_EQ(report.rows[3].accuracy.value, 1);
  EXPECT_EQ(report.rows[4].accuracy.value, 0) << "the expert prefers the answer with the lower score";
  EXPECT_EQ(report.rows[5].accuracy.value, 0);
  EXPECT_NEAR(report.mean_of_domains.value(), (0.5 + 2.0 / 3) / 2, 1e-12);
  EXPECT_EQ(report.ties, 1U);
  EXPECT_EQ(report.ties_auc, 0.5) << "0.25 lies above 0 and below 1";
}

TEST(RewardReport, MeasuresBestOfNAndStyles) {
  RewardEvidence evidence;
  ComparedRecord best;
  best.right = 1;
  best.pairs = {{0, 1, {.first = 1}}, {0, 2, {.first = 1}}};
  evidence.add(best, {3, 1, 2}, {5, 5, 5}, 0);
  evidence.add(best, {2, 1, 3}, {5, 5, 5}, 1);
  evidence.add(best, {3, 3, 1}, {5, 5, 5}, 2);
  ComparedRecord styled = best;
  styled.right = 3;
  styled.styled = true;
  styled.pairs = {{0, 3, {.first = 1}}};
  evidence.add(styled, {1, 2, 3, 1.5, 2.5, 3.5}, {1, 2, 3, 1, 2, 3}, 3);
  const RewardReport report = make_reward_report(evidence, quick());
  EXPECT_NEAR(report.best_of_n->value, (1 + 0 + 0.5) / 3, 1e-12);
  EXPECT_EQ(report.styled, 1U);
  EXPECT_EQ(report.styles->hard, 0);
  EXPECT_EQ(report.styles->normal, 0);
  EXPECT_EQ(report.styles->easy, 1);
}

TEST(RewardReport, ShowsWhatTheKeptTemperatureGives) {
  // Margins of 2 and accuracy 3/4: the best temperature is 2 / ln 3, whose loss is the entropy of 3/4.
  auto options = quick();
  options.kept_temperature = 2 / std::log(3.0);
  const RewardReport report = make_reward_report(
      hundred_pairs([](int i) { return i % 4 == 0 ? -2.0 : 2.0; }, [](int i) { return i % 3 == 0; }), options);
  EXPECT_NEAR(report.rows.at(0).temperature.value(), 2 / std::log(3.0), 1e-9);
  EXPECT_NEAR(report.kept->loss, 0.75 * std::log(4.0 / 3) + 0.25 * std::log(4.0), 1e-9);
  EXPECT_NEAR(report.kept->calibration_error, 0, 1e-9);
  EXPECT_TRUE(finds(report, "too sure: margins are 1.8 times as large"));
}

TEST(RewardReport, IsWrittenInThreeForms) {
  RewardReport report =
      make_reward_report(hundred_pairs([](int i) { return i % 5 - 1.0; }, [](int i) { return i % 3 == 0; }), quick());
  report.model = "<b>rm</b>";
  report.data = {"a.jsonl"};
  const auto json = to_json(report);
  EXPECT_EQ(json.at("rows").at(0).at("accuracy").at("value"), report.rows[0].accuracy.value);
  EXPECT_EQ(json.at("length").at("gain_over_rule").at("low"), report.length.gain.interval->low);
  EXPECT_TRUE(json.at("styles").is_null());
  const std::string html = to_html(report);
  EXPECT_TRUE(testing::is_well_formed(html));
  EXPECT_NE(html.find("&lt;b&gt;rm&lt;/b&gt;"), std::string::npos);
  const std::string text = to_text(report);
  EXPECT_NE(text.find("all    100      100  70.0 % ["), std::string::npos) << text;
  EXPECT_TRUE(to_short_text(report).starts_with("on 100 pairs of 100 prompts: accuracy 70.0 % ["));
}

TEST(RewardReport, NeedsAPair) { EXPECT_THROW(make_reward_report({}, quick()), DataError); }

}  // namespace
}  // namespace rlhf
