#include "rlhf/feedback/text_features.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

/// n of a feature ln(1 + n).
double count_of(const TextFeatures& features, TextFeature feature) {
  return std::expm1(features[static_cast<std::size_t>(feature)]);
}

void expect_count(std::string_view text, TextFeature feature, double expected) {
  EXPECT_NEAR(count_of(text_features(text), feature), expected, 1e-9) << text;
}

TEST(TextFeatures, HaveNamesInTheirOrder) {
  EXPECT_EQ(kTextFeatureNames[static_cast<std::size_t>(TextFeature::length)], "length");
  EXPECT_EQ(kTextFeatureNames[static_cast<std::size_t>(TextFeature::apologies)], "apologies");
  EXPECT_EQ(kTextFeatureNames[static_cast<std::size_t>(TextFeature::lists)], "lists");
  EXPECT_EQ(kTextFeatureNames[static_cast<std::size_t>(TextFeature::agreement)], "agreement");
}

TEST(TextFeatures, LengthCountsCharacters) {
  expect_count("", TextFeature::length, 0);
  expect_count("Z\u00fcrich", TextFeature::length, 6);
}

TEST(TextFeatures, CountPhrases) {
  expect_count("Perhaps. I'm not sure, it might be 7, or it MAY BE 8.", TextFeature::hedges, 4);
  expect_count("It is 7. The mighty maybes of May.", TextFeature::hedges, 0);
  expect_count("Sorry! I apologize for my mistake.", TextFeature::apologies, 3);
  expect_count("Great question! What a great point, well done.", TextFeature::flattery, 3);
  expect_count("That is a question of greatness.", TextFeature::flattery, 0);
}

TEST(TextFeatures, CountMarkdown) {
  const std::string text = "# Steps\n- call `f`\n- **stop**\n";
  expect_count(text, TextFeature::code, 1);
  expect_count(text, TextFeature::markdown, 2);
  expect_count(text, TextFeature::lists, 2);
}

TEST(TextFeatures, AgreementNeedsABelief) {
  const auto agreement = [](const TextFeatures& features) { return features.back(); };
  EXPECT_EQ(agreement(text_features("It is 8.", "8")), 1);
  EXPECT_EQ(agreement(text_features("No, it is 7.", "8")), -1);
  EXPECT_EQ(agreement(text_features("It is 8.")), 0);
}

TEST(FeatureDifferences, LeaveOutWhatNeverDiffers) {
  const TextFeatures shorter = text_features("It is 7."), longer = text_features("Perhaps it is 7.");
  const FeatureTable table = feature_differences({longer, shorter}, {shorter, shorter});
  EXPECT_EQ(table.names, (std::vector<std::string>{"length", "hedges"}));
  ASSERT_EQ(table.values.size(), 4u);
  EXPECT_NEAR(table.values[0], std::log(17.0 / 9), 1e-12);
  EXPECT_NEAR(table.values[1], std::log(2.0), 1e-12);
  EXPECT_EQ(table.values[2], 0);
}

TEST(FeatureDifferences, RefuseListsThatDoNotFit) {
  testing::expect_misuse<ArgumentError>("first: expected at least one pair", [] { feature_differences({}, {}); });
  testing::expect_misuse<ArgumentError>("second: expected as many completions as the first, found 0",
                                        [] { feature_differences({TextFeatures{}}, {}); });
}

TEST(FeatureDifferences, ShowWhatASimulatedCrowdPaysFor) {
  // The crowd's log-odds: 2 per list feature, 1.5 for agreement, nothing for hedges, 0.4 for the first position.
  const char* kTexts[] = {"The sum is 7.",         "- The sum is 7.",          "The sum is 8.",
                          "Perhaps the sum is 7.", "- Perhaps\n- it is\n- 8.", "- It is\n- maybe 9."};
  std::vector<TextFeatures> first, second;
  LogisticData data;
  for (std::uint64_t n = 0; n < 4000; ++n) {
    first.push_back(text_features(kTexts[random_below(1, 0, n, 6)], "8"));
    second.push_back(text_features(kTexts[random_below(1, 1, n, 6)], "8"));
    const auto difference = [&](TextFeature f) {
      return first.back()[static_cast<std::size_t>(f)] - second.back()[static_cast<std::size_t>(f)];
    };
    const double odds = 0.4 + 2 * difference(TextFeature::lists) + 1.5 * difference(TextFeature::agreement);
    data.targets.push_back(random_uniform(1, 2, n) < 1 / (1 + std::exp(-odds)));
  }
  data.features = feature_differences(first, second);
  const std::vector<std::pair<std::string, double>> truth{
      {"length", 0}, {"hedges", 0}, {"lists", 2}, {"agreement", 1.5}, {"intercept", 0.4}};
  const LogisticFit fit = fit_logistic(data, {.level = 0.999});
  ASSERT_EQ(fit.coefficients.size(), truth.size());
  for (std::size_t j = 0; j < truth.size(); ++j) {
    const Coefficient& found = fit.coefficients[j];
    EXPECT_EQ(found.name, truth[j].first);
    EXPECT_LE(found.interval.low, truth[j].second) << found.name;
    EXPECT_GE(found.interval.high, truth[j].second) << found.name;
  }
  EXPECT_GT(fit.coefficients[3].interval.low, 1);
}

}  // namespace
}  // namespace rlhf
