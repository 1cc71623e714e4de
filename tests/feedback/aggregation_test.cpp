// Labels and annotators as crowd-kit fits them.
#include <gtest/gtest.h>

#include "rlhf/feedback/dawid_skene.h"
#include "rlhf/feedback/glad.h"
#include "rlhf/feedback/mace.h"

#include "feedback/digamma.h"
#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::expect_numbers;
using testing::votes_of;

constexpr PseudoVotes kNoPseudoVotes{0, 0};

nlohmann::json golden_cases() { return testing::golden_list("aggregation", "cases"); }

EmOptions iterations(const nlohmann::json& golden) { return {{}, golden["iterations"], 0}; }

TEST(Aggregation, DawidSkeneAgreesWithCrowdKit) {
  for (const auto& golden : golden_cases()) {
    const auto& expected = golden["dawid_skene"];
    const DawidSkene found = fit_dawid_skene(votes_of(golden), kNoPseudoVotes, iterations(expected));
    expect_numbers(found.labels.probabilities, expected["labels"], 1e-9);
    expect_numbers(found.confusion, expected["confusion"], 1e-8);
    expect_numbers(found.class_shares, expected["class_shares"], 1e-8);
  }
}

TEST(Aggregation, DawidSkeneWithGoldAgreesWithCrowdKit) {
  for (const auto& golden : golden_cases()) {
    const auto& expected = golden["dawid_skene_gold"];
    EmOptions options = iterations(expected);
    options.gold = golden["gold"].get<std::vector<std::int32_t>>();
    const DawidSkene found = fit_dawid_skene(votes_of(golden), kNoPseudoVotes, options);
    expect_numbers(found.labels.probabilities, expected["labels"], 1e-9);
    expect_numbers(found.confusion, expected["confusion"], 1e-8);
  }
}

TEST(Aggregation, OneCoinAgreesWithCrowdKit) {
  for (const auto& golden : golden_cases()) {
    const auto& expected = golden["one_coin"];
    const OneCoin found = fit_one_coin(votes_of(golden), kNoPseudoVotes, iterations(expected));
    expect_numbers(found.labels.probabilities, expected["labels"], 1e-9);
    expect_numbers(found.accuracy, expected["accuracy"], 1e-8);
  }
}

TEST(Aggregation, MaceAgreesWithCrowdKit) {
  for (const auto& golden : golden_cases()) {
    const auto& expected = golden["mace"];
    const Mace found = fit_mace(votes_of(golden), {.em = iterations(expected), .starts = 1});
    expect_numbers(found.labels.probabilities, expected["labels"], 1e-9);
    expect_numbers(found.competence, expected["competence"], 1e-9);
    expect_numbers(found.habits, expected["habits"], 1e-9);
    EXPECT_NEAR(found.report.objective, expected["log_likelihood"], 1e-9);
  }
}

TEST(Aggregation, GladReachesTheMaximumOfCrowdKit) {
  for (const auto& golden : golden_cases()) {
    const auto& expected = golden["glad"];
    const Glad found = fit_glad(votes_of(golden), {{}, 5000, 1e-12});
    EXPECT_TRUE(found.report.converged);
    expect_numbers(found.labels.probabilities, expected["labels"], 1e-6);
    expect_numbers(found.ability, expected["ability"], 1e-5);
    expect_numbers(found.ease, expected["ease"], 1e-4);
  }
}

TEST(Digamma, AgreesWithScipy) {
  for (const auto& pair : testing::golden_list("aggregation", "digamma"))
    EXPECT_NEAR(digamma(pair[0]), pair[1], 1e-13) << pair;
}

}  // namespace
}  // namespace rlhf
