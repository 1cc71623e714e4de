// Annotators fitted to anchors, and what their votes then say.
#include "rlhf/feedback/latent_annotators.h"

#include <cmath>

#include <gtest/gtest.h>

#include "support/read_golden.h"

namespace rlhf {
namespace {

struct Anchored {
  JudgedPairs judged;
  std::vector<std::int8_t> anchors;
};

/// One pair per vote.
Anchored anchored_of(const nlohmann::json& golden) {
  Anchored found;
  found.anchors = golden["anchors"].get<std::vector<std::int8_t>>();
  found.judged.pairs = static_cast<std::int32_t>(found.anchors.size());
  found.judged.annotators = golden["annotators"];
  for (std::int32_t i = 0; i < found.judged.pairs; ++i)
    found.judged.votes.push_back({i, golden["annotator"][i], golden["answers"][i], 2, golden["position"][i]});
  found.judged.features = {golden["is_bias"], golden["differences"]};
  found.judged.domains = {golden["domains"], golden["domain"]};
  return found;
}

void expect_estimate(const AnnotatorEstimate& found, const nlohmann::json& theta, const nlohmann::json& errors) {
  std::vector<NormalEstimate> all{found.alpha0, found.alpha1, found.position};
  all.insert(all.end(), found.beta.begin(), found.beta.end());
  all.insert(all.end(), found.delta.begin(), found.delta.end());
  ASSERT_EQ(all.size(), theta.size());
  for (std::size_t j = 0; j < all.size(); ++j) {
    EXPECT_NEAR(all[j].value, theta[j].get<double>(), 1e-7);
    EXPECT_NEAR(all[j].standard_error, errors[j].get<double>(), 1e-7);
    EXPECT_NEAR(all[j].interval.low, all[j].value - 1.959964 * all[j].standard_error, 1e-5);
    EXPECT_NEAR(all[j].interval.high, all[j].value + 1.959964 * all[j].standard_error, 1e-5);
  }
}

TEST(LatentAnnotators, OneRoundIsLogisticRegressionWithAPriorAsScipyFindsIt) {
  for (const auto& golden : testing::read_golden("feedback/latent.json")["one_round"]) {
    const Anchored data = anchored_of(golden);
    LatentOptions options;
    options.max_rounds = 1;
    const LatentAnnotators model = fit_latent_annotators(data.judged, data.anchors, options);
    for (std::size_t k = 0; k < model.annotators.size(); ++k) {
      const AnnotatorEstimate& found = model.annotators[k];
      expect_estimate(found, golden["theta"][k], golden["errors"][k]);
      for (std::size_t d = 0; d < found.delta.size(); ++d) {
        EXPECT_EQ(found.alpha0_in[d].value, found.alpha0.value + found.delta[d].value);
        EXPECT_NEAR(found.alpha0_in[d].standard_error, golden["alpha0_in_errors"][k][d], 1e-7);
      }
    }
    std::vector<double> prior(3 + model.is_bias.size() + model.mean.delta.size());
    prior[0] = prior[1] = 2;
    expect_estimate(model.mean, prior, golden["mean_errors"]);
    EXPECT_FALSE(model.converged);
  }
}

/// Annotator k has right[k] right votes of `votes`, each on a pair of its own.
Anchored plain_votes(const std::vector<std::int32_t>& right, std::int32_t votes) {
  Anchored found;
  found.judged.annotators = static_cast<std::int32_t>(right.size());
  for (std::int32_t k = 0; k < found.judged.annotators; ++k)
    for (std::int32_t v = 0; v < votes; ++v) {
      const std::int8_t truth = v % 2 == 0 ? 1 : -1;
      found.judged.votes.push_back({found.judged.pairs++, k, v < right[k] ? truth : -truth});
      found.anchors.push_back(truth);
    }
  return found;
}

TEST(LatentAnnotators, AgreeWithNumericalIntegration) {
  // Laplace's approximation puts the mode for the mean. The posterior of an annotator with 5 wrong votes is skewed.
  for (const auto& golden : testing::read_golden("feedback/latent.json")["integrated"]) {
    const Anchored data = plain_votes(golden["right"], golden["votes"]);
    const LatentAnnotators model = fit_latent_annotators(data.judged, data.anchors);
    EXPECT_TRUE(model.converged) << model.rounds;
    EXPECT_NEAR(model.spread.alpha0, golden["spread"], 0.02);
    EXPECT_NEAR(model.mean.alpha0.value, golden["mean"], 0.02);
    EXPECT_NEAR(model.mean.alpha0.standard_error, golden["mean_error"], 0.005);
    for (std::size_t k = 0; k < model.annotators.size(); ++k) {
      const double error = golden["errors"][k];
      EXPECT_NEAR(model.annotators[k].alpha0.value, golden["alpha"][k], error / 5) << k;
      EXPECT_NEAR(model.annotators[k].alpha0.standard_error, error, error / 20) << k;
    }
  }
}

TEST(LatentAnnotators, WithoutAnchorsAreThePrior) {
  JudgedPairs judged{2, 2, {{0, 0, 1}, {1, 1, -1}}, {{true, false}, {0, 1, 2, 3}}};
  const LatentAnnotators model = fit_latent_annotators(judged, {0, 0});
  for (const AnnotatorEstimate& annotator : model.annotators) {
    EXPECT_EQ(annotator.alpha0.value, 2);
    EXPECT_EQ(annotator.alpha1.value, 2);
    EXPECT_EQ(annotator.beta[1].value, 0);
    EXPECT_NEAR(annotator.alpha0.standard_error, std::sqrt(2), 1e-12);  // s² = 1 of the mean and τ² = 1
    EXPECT_NEAR(annotator.beta[0].standard_error, std::sqrt(10), 1e-12);
    EXPECT_EQ(annotator.anchors, 0);
  }
  EXPECT_NEAR(model.mean.beta[0].standard_error, 3, 1e-12);
  ASSERT_EQ(model.limits.size(), 1U);
  EXPECT_EQ(model.limits[0], "no anchor has a vote: reliability and biases are those of the prior");
}

TEST(LatentAnnotators, CountAnchorsAndSayWhatTheyCannotTell) {
  // Pairs 0 to 3 have votes and anchors; a bias is in play on 1 and 2. Pair 4 has no vote, pair 5 no anchor.
  JudgedPairs judged{6, 3, {{0, 0, 1}, {1, 0, 1}, {2, 0, -1}, {3, 0, 1}, {1, 1, 1}, {5, 1, 1}}, {}};
  judged.features = {{true, false}, {0, 5, 1, 0, -1, 0, 0, 2, 1, 1, 1, 1}};
  const LatentAnnotators model = fit_latent_annotators(judged, {1, 1, -1, -1, 1, 0});
  EXPECT_EQ(model.annotators[0].anchors, 4);
  EXPECT_EQ(model.annotators[0].anchors_in_play, 2);
  EXPECT_EQ(model.annotators[1].anchors, 1);
  EXPECT_EQ(model.annotators[1].anchors_in_play, 1);
  EXPECT_EQ(model.annotators[2].anchors, 0);
  EXPECT_EQ(model.mean.anchors, 4);
  EXPECT_EQ(model.mean.anchors_in_play, 2);
  EXPECT_EQ(model.annotators[2].alpha0.value, model.mean.alpha0.value);
  ASSERT_EQ(model.limits.size(), 1U);
  EXPECT_EQ(model.limits[0], "a bias is in play on 2 anchors, fewer than 10: alpha1 and beta lean on the prior");
  const LatentAnnotators alone = fit_latent_annotators(plain_votes({9}, 10).judged, plain_votes({9}, 10).anchors);
  ASSERT_EQ(alone.limits.size(), 1U);
  EXPECT_EQ(alone.limits[0], "one annotator has anchors: how much annotators differ is that of the prior");
}

}  // namespace
}  // namespace rlhf
