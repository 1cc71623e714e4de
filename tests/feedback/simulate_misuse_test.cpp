// Wrong numbers of simulated annotators and pairs.
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/simulate.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::function<void()> vote_of(const std::function<void(SimulatedAnnotator&)>& change) {
  return [change] {
    SimulatedAnnotator annotator;
    change(annotator);
    simulate_votes({{1}}, {annotator}, {{0, 0}}, 0);
  };
}

TEST(SimulateMisuse, Annotators) {
  expect_misuse<ArgumentError>("error: expected 0 to 1, found 2", vote_of([](auto& a) { a.error = 2; }));
  expect_misuse<ArgumentError>("rationality: expected", vote_of([](auto& a) { a.rationality = kNan; }));
  expect_misuse<ArgumentError>("position_bias: expected", vote_of([](auto& a) { a.position_bias = kNan; }));
  expect_misuse<ArgumentError>("length_bias: expected", vote_of([](auto& a) { a.length_bias = kNan; }));
  expect_misuse<ArgumentError>("agreement_bias: expected", vote_of([](auto& a) { a.agreement_bias = kNan; }));
  expect_misuse<ArgumentError>("cost: expected", vote_of([](auto& a) { a.cost = kNan; }));
  expect_misuse<ArgumentError>("fatigue: expected at least 0", vote_of([](auto& a) { a.fatigue = -1; }));
  expect_misuse<ArgumentError>("cuts: expected increasing numbers above 0, found 1", vote_of([](auto& a) {
                                 a.cuts = {1, 1};
                               }));
  expect_misuse<ArgumentError>("expertise: expected", vote_of([](auto& a) { a.expertise = {kNan}; }));
}

TEST(SimulateMisuse, Votes) {
  const auto votes = [](std::vector<SimulatedPair> pairs, Assignment asked) {
    return [pairs, asked] { simulate_votes(pairs, {{}}, {asked}, 0); };
  };
  SimulatedAnnotator lawyer;
  lawyer.expertise = {1};
  expect_misuse<ArgumentError>("pairs: expected at least one, found none", votes({}, {0, 0}));
  expect_misuse<ArgumentError>("quality: expected a finite number but 0, found 0", votes({{0}}, {0, 0}));
  expect_misuse<ArgumentError>("length: expected a finite number, found nan", votes({{1, kNan}}, {0, 0}));
  expect_misuse<ArgumentError>("agreement: expected a finite number", votes({{1, 0, kNan}}, {0, 0}));
  expect_misuse<ArgumentError>("domain: expected at least 0, found -1", votes({{1, 0, 0, -1}}, {0, 0}));
  expect_misuse<ArgumentError>("assignments: expected pairs of the list, found 1", votes({{1}}, {1, 0}));
  expect_misuse<ArgumentError>("assignments: expected annotators of the list, found -1", votes({{1}}, {0, -1}));
  expect_misuse<ArgumentError>("domain: expected one that the annotator's expertise names, found 1", [&] {
    simulate_votes({{1, 0, 0, 1}}, {lawyer}, {{0, 0}}, 0);
  });
}

TEST(SimulateMisuse, PairsAndAssignments) {
  expect_misuse<ArgumentError>("pairs: expected at least 1, found 0", [] { simulate_pairs({0}, 0); });
  expect_misuse<ArgumentError>("domains: expected at least 1, found 0", [] { simulate_pairs({1, 0}, 0); });
  expect_misuse<ArgumentError>("hinted: expected 0 to 1, found 2", [] { simulate_pairs({1, 1, 2}, 0); });
  expect_misuse<ArgumentError>("wrong_hints: expected 0 to 1", [] { simulate_pairs({1, 1, 0, -1}, 0); });
  expect_misuse<ArgumentError>("quality_spread: expected", [] { simulate_pairs({1, 1, 0, 0, kNan}, 0); });
  expect_misuse<ArgumentError>("pairs: expected at least 1", [] { assign_annotators(0, 1, 1, 0); });
  expect_misuse<ArgumentError>("per_pair: expected 1 to the number of annotators, found 3",
                               [] { assign_annotators(1, 2, 3, 0); });
  expect_misuse<ArgumentError>("share: expected 0 to 1, found 5", [] { expert_labels({{1}}, 5, 0); });
}

}  // namespace
}  // namespace rlhf
