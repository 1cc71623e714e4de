// The model finds the annotators of a simulation, and its intervals cover them.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "rlhf/core/random.h"
#include "rlhf/feedback/simulate.h"

namespace rlhf {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// Annotator k of a world, with a normal spread.
using Population = std::function<SimulatedAnnotator(std::uint64_t world, std::uint64_t k)>;

double drawn(std::uint64_t world, std::uint64_t k, std::uint64_t what, double mean, double spread) {
  return mean + spread * random_normal(world, 100 + what, k);
}

struct World {
  std::vector<SimulatedPair> pairs;
  std::vector<SimulatedAnnotator> annotators;
  JudgedPairs judged;
  LatentAnnotators model;
};

/// `count` annotators, each of whom judges about half of the pairs; a share of them are anchors.
World make_world(std::uint64_t seed, const PairPopulation& population, std::int32_t count, const Population& annotator,
                 double anchors = 1) {
  World world;
  world.pairs = simulate_pairs(population, seed);
  for (std::int32_t k = 0; k < count; ++k) world.annotators.push_back(annotator(seed, k));
  const auto assignments = assign_annotators(population.pairs, count, count / 2, seed);
  world.judged = judged_pairs(world.pairs, simulate_votes(world.pairs, world.annotators, assignments, seed), count);
  if (population.domains == 1) world.judged.domains = {};
  world.model = fit_latent_annotators(world.judged, expert_labels(world.pairs, anchors, seed));
  return world;
}

TEST(LatentRecovery, ReliabilityIsWithinFivePointsAtTwoHundredVotes) {
  const Population plain = [](std::uint64_t world, std::uint64_t k) {
    SimulatedAnnotator annotator;
    annotator.rationality = drawn(world, k, 0, 2, 0.7);
    return annotator;
  };
  double within = 0, squares = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const World world = make_world(seed, {400}, 20, plain);
    for (std::size_t k = 0; k < 20; ++k) {
      const double error = logistic(world.model.annotators[k].alpha0.value) - logistic(world.annotators[k].rationality);
      within += std::abs(error) < 0.05;
      squares += error * error;
    }
  }
  // A share of 200 votes with probability 0.85 has the standard error 0.025: 95 % are within 0.05, 184 to 198 of 200
  // with probability 99.5 %.
  EXPECT_GE(within, 184);
  EXPECT_LT(std::sqrt(squares / 200), 0.03);
}

struct Coverage {
  double covered = 0, all = 0;
  void add(const NormalEstimate& estimate, double truth) {
    covered += estimate.interval.low <= truth && truth <= estimate.interval.high;
    ++all;
  }
  /// Within 4 standard errors of 95 %, and 1 % for what the intervals leave out (the error of τ).
  void expect(const char* what) const {
    EXPECT_NEAR(covered / all, 0.95, 4 * std::sqrt(0.95 * 0.05 / all) + 0.01) << what;
  }
};

TEST(LatentRecovery, IntervalsCoverAnnotatorsAndTheirMean) {
  const Population biased = [](std::uint64_t world, std::uint64_t k) {
    SimulatedAnnotator annotator;
    annotator.rationality = drawn(world, k, 0, 2, 0.7);
    annotator.agreement_bias = drawn(world, k, 1, 1, 0.8);
    annotator.position_bias = drawn(world, k, 2, 0.3, 0.3);
    return annotator;
  };
  Coverage alpha0, alpha1, beta, position, mean;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const World world = make_world(seed, {800, 1, 0.6}, 10, biased);
    EXPECT_TRUE(world.model.converged);
    for (std::size_t k = 0; k < 10; ++k) {
      const AnnotatorEstimate& found = world.model.annotators[k];
      alpha0.add(found.alpha0, world.annotators[k].rationality);
      alpha1.add(found.alpha1, world.annotators[k].rationality);
      beta.add(found.beta[0], world.annotators[k].agreement_bias);
      position.add(found.position, world.annotators[k].position_bias);
    }
    mean.add(world.model.mean.alpha0, 2);
    mean.add(world.model.mean.beta[0], 1);
    mean.add(world.model.mean.beta[1], 0);
    mean.add(world.model.mean.position, 0.3);
  }
  alpha0.expect("alpha0");
  alpha1.expect("alpha1");
  beta.expect("beta");
  position.expect("position");
  mean.expect("mean");
}

TEST(LatentRecovery, IntervalsCoverReliabilityByDomain) {
  // All know domain 0 well and domain 1 badly, but by different factors.
  const Population experts = [](std::uint64_t world, std::uint64_t k) {
    SimulatedAnnotator annotator;
    annotator.rationality = 1;
    annotator.expertise = {drawn(world, k, 0, 2.5, 0.5), drawn(world, k, 1, 0.5, 0.5)};
    return annotator;
  };
  Coverage good, bad;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const World world = make_world(seed, {400, 2}, 10, experts);
    for (std::size_t k = 0; k < 10; ++k) {
      good.add(world.model.annotators[k].alpha0_in[0], world.annotators[k].expertise[0]);
      bad.add(world.model.annotators[k].alpha0_in[1], world.annotators[k].expertise[1]);
    }
  }
  good.expect("good domain");
  bad.expect("bad domain");
}

TEST(LatentRecovery, IntervalsCoverWhereAnswersHaveStrengths) {
  const Population strong = [](std::uint64_t world, std::uint64_t k) {
    SimulatedAnnotator annotator;
    annotator.rationality = drawn(world, k, 0, 2, 0.7);
    annotator.cuts = {0.7, 1.5, 2.5};
    return annotator;
  };
  Coverage alpha0;
  double last = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const World world = make_world(seed, {400}, 10, strong);
    for (std::size_t k = 0; k < 10; ++k) alpha0.add(world.model.annotators[k].alpha0, world.annotators[k].rationality);
    last += world.model.scales[0].cuts[2] / 40;
  }
  alpha0.expect("alpha0");
  EXPECT_NEAR(last, 2.5, 0.05);
}

/// Mean of −ln P(label) by the votes alone.
double loss(const LatentAnnotators& model, const World& world) {
  const auto evidence = vote_evidence(model, world.judged);
  double sum = 0;
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    const double first = label_probability(0, evidence[i]);
    sum -= std::log(world.pairs[i].quality > 0 ? first : 1 - first);
  }
  return sum / static_cast<double>(evidence.size());
}

TEST(LatentRecovery, FivePercentAnchorsNearlySayWhatTheTrueAnnotatorsWouldSay) {
  // Three in four follow the asker: with log-odds of 2.5 for the better answer and 3.5 for the one that agrees.
  const Population crowd = [](std::uint64_t, std::uint64_t k) {
    SimulatedAnnotator annotator;
    annotator.rationality = 2.5;
    annotator.agreement_bias = k % 4 == 0 ? 0 : 3.5;
    return annotator;
  };
  const World world = make_world(1, {4000, 1, 0.7}, 8, crowd, 0.05);
  LatentAnnotators truth = world.model, naive = world.model;
  for (std::size_t k = 0; k < 8; ++k)
    for (auto* model : {&truth, &naive}) {
      AnnotatorEstimate& annotator = model->annotators[k];
      annotator.alpha0.value = annotator.alpha1.value = 2.5;
      annotator.position.value = annotator.beta[1].value = 0;
      annotator.beta[0].value = model == &truth ? world.annotators[k].agreement_bias : 0;
    }
  EXPECT_LT(loss(world.model, world), loss(truth, world) + 0.02);
  EXPECT_GT(loss(naive, world), loss(truth, world) + 0.5);  // the crowd misleads who believes it
}

}  // namespace
}  // namespace rlhf
