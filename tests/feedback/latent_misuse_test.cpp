// Wrong calls of the models of annotators.
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/latent_annotators.h"
#include "rlhf/feedback/reliability_em.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

const JudgedPairs kJudged{2, 1, {{0, 0, 1}, {1, 0, -1}}, {{true}, {0, 1}}};

/// A fit of kJudged after a change.
std::function<void()> fit(const std::function<void(JudgedPairs&)>& change, std::vector<std::int8_t> anchors = {1, 0}) {
  return [change, anchors] {
    JudgedPairs judged = kJudged;
    change(judged);
    fit_latent_annotators(judged, anchors);
  };
}

std::function<void()> fit_with(const std::function<void(LatentOptions&)>& change) {
  return [change] {
    LatentOptions options;
    change(options);
    fit_latent_annotators(kJudged, {1, 0}, options);
  };
}

TEST(LatentMisuse, Pairs) {
  expect_misuse<ArgumentError>("pairs: expected at least 1, found 0", fit([](auto& j) { j.pairs = 0; }));
  expect_misuse<ArgumentError>("annotators: expected at least 1, found 0", fit([](auto& j) { j.annotators = 0; }));
  expect_misuse<ArgumentError>("votes[1].pair: expected 0 to 1, found 2", fit([](auto& j) { j.votes[1].pair = 2; }));
  expect_misuse<ArgumentError>("votes[0].annotator: expected 0 to 0, found -1",
                               fit([](auto& j) { j.votes[0].annotator = -1; }));
  expect_misuse<ArgumentError>("votes[0].answer: expected -1 to 1 but 0, found 0",
                               fit([](auto& j) { j.votes[0].answer = 0; }));
  expect_misuse<ArgumentError>("votes[1].answer: expected -2 to 2, found -3", fit([](auto& j) {
                                 j.votes[1].answer = -3;
                                 j.votes[1].scale = 5;
                               }));
  expect_misuse<ArgumentError>("votes.position: expected 1, -1 or 0, found 2",
                               fit([](auto& j) { j.votes[1].position = 2; }));
  expect_misuse<ArgumentError>("votes[1].scale: expected 2 to 99, found 1", fit([](auto& j) { j.votes[1].scale = 1; }));
}

TEST(LatentMisuse, Features) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -2e6})
    expect_misuse<ArgumentError>("features.differences: expected numbers between -1e6 and 1e6, found",
                                 fit([value](auto& j) { j.features.differences[1] = value; }));
  expect_misuse<ArgumentError>("features.differences: expected pairs times features, found 1",
                               fit([](auto& j) { j.features.differences = {0}; }));
}

TEST(LatentMisuse, Domains) {
  expect_misuse<ArgumentError>("domains.of_pair[1]: expected 0 to 1, found 2", fit([](auto& j) {
                                 j.domains = {2, {0, 2}};
                               }));
  expect_misuse<ArgumentError>("domains.of_pair: expected one domain per pair, found 1", fit([](auto& j) {
                                 j.domains = {2, {0}};
                               }));
  expect_misuse<ArgumentError>("domains.of_pair: expected none without domains, found 2", fit([](auto& j) {
                                 j.domains = {0, {0, 0}};
                               }));
  expect_misuse<ArgumentError>("domains.count: expected at least 0, found -1",
                               fit([](auto& j) { j.domains.count = -1; }));
}

TEST(LatentMisuse, Anchors) {
  const auto none = [](JudgedPairs&) {};
  expect_misuse<ArgumentError>("anchors: expected 1, -1 or 0, found 2", fit(none, {0, 2}));
  expect_misuse<ArgumentError>("anchors: expected one entry per pair, found 1", fit(none, {1}));
}

TEST(LatentMisuse, Options) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  expect_misuse<ArgumentError>("alpha_mean: expected a finite", fit_with([](auto& o) { o.alpha_mean = kNan; }));
  expect_misuse<ArgumentError>("alpha_variance: expected", fit_with([](auto& o) { o.alpha_variance = 0; }));
  expect_misuse<ArgumentError>("beta_variance: expected", fit_with([](auto& o) { o.beta_variance = -1; }));
  expect_misuse<ArgumentError>("least_alpha: expected", fit_with([](auto& o) { o.least_alpha = kNan; }));
  expect_misuse<ArgumentError>("max_rounds: expected at least 1", fit_with([](auto& o) { o.max_rounds = 0; }));
  expect_misuse<ArgumentError>("tolerance: expected", fit_with([](auto& o) { o.tolerance = -1; }));
  expect_misuse<ArgumentError>("level: expected above 0 and below 1", fit_with([](auto& o) { o.level = 95; }));
}

TEST(LatentMisuse, EvidenceOfOtherPairs) {
  const LatentAnnotators model = fit_latent_annotators(kJudged, {1, 0});
  const auto evidence = [&](const std::function<void(JudgedPairs&)>& change) {
    JudgedPairs judged = kJudged;
    change(judged);
    return [model, judged] { vote_evidence(model, judged); };
  };
  expect_misuse<ArgumentError>("annotators: expected those of the model, found 2",
                               evidence([](auto& j) { j.annotators = 2; }));
  expect_misuse<ArgumentError>("features.is_bias: expected the features of the model, found 0 features",
                               evidence([](auto& j) { j.features = {}; }));
  expect_misuse<ArgumentError>("domains.count: expected the domains of the model, found 1", evidence([](auto& j) {
                                 j.domains = {1, {0, 0}};
                               }));
}

TEST(ReliabilityEmMisuse, Inputs) {
  const JudgedPairs two{2, 2, {{0, 0, 1}, {1, 1, -1}}};
  expect_misuse<ArgumentError>("prior_log_odds: expected one number per pair, found 1",
                               [&] { fit_reliability(two, {1}, {}); });
  expect_misuse<ArgumentError>("prior_log_odds: expected finite numbers, found inf", [&] {
    fit_reliability(two, {0, std::numeric_limits<double>::infinity()}, {});
  });
  expect_misuse<ArgumentError>("anchors: expected 1, -1 or 0, found 3", [&] { fit_reliability(two, {}, {0, 3}); });
  const JudgedPairs one{1, 1, {{0, 0, 1}}};
  for (const std::vector<double>& prior : {std::vector<double>{}, {0}})
    expect_misuse<ArgumentError>(
        "annotators: expected at least 2 where there are neither anchors nor prior log-odds, found 1",
        [&] { fit_reliability(one, prior, {0}); });
  EXPECT_EQ(fit_reliability(one, {1}, {}).limits.size(), 1U);
  EXPECT_TRUE(fit_reliability(one, {}, {1}).limits.empty());
}

TEST(ReliabilityEmMisuse, Options) {
  const auto with = [](const std::function<void(ReliabilityEmOptions&)>& change) {
    ReliabilityEmOptions options;
    change(options);
    return [options] { fit_reliability({1, 2, {{0, 0, 1}}}, {}, {}, options); };
  };
  expect_misuse<ArgumentError>("prior_right: expected above 0", with([](auto& o) { o.prior_right = 0; }));
  expect_misuse<ArgumentError>("prior_wrong: expected above 0", with([](auto& o) { o.prior_wrong = -1; }));
  expect_misuse<ArgumentError>("least: expected above 0 and below most", with([](auto& o) { o.least = 1; }));
  expect_misuse<ArgumentError>("most: expected below 1", with([](auto& o) { o.most = 1; }));
  expect_misuse<ArgumentError>("max_rounds: expected at least 1", with([](auto& o) { o.max_rounds = 0; }));
  expect_misuse<ArgumentError>("tolerance: expected at least 0", with([](auto& o) { o.tolerance = -1; }));
  expect_misuse<ArgumentError>("level: expected above 0 and below 1", with([](auto& o) { o.level = 0; }));
}

}  // namespace
}  // namespace rlhf
