#include "crowd.h"

#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace agreement {
namespace {

/// Pairs of one question, of which each second one has a wrong belief that the false answer agrees with.
std::vector<Pair> many_pairs(int count) {
  std::vector<Pair> pairs;
  for (int i = 0; i < count; ++i) {
    Pair pair{.prompt = "3+4=?\n", .chosen = "It is 7.", .rejected = "Yes, 8.", .sum = 7};
    if (i % 2 == 1) pair.hint = 8;
    pairs.push_back(pair);
  }
  return pairs;
}

/// The share of the judgments of `role` that choose the true answer, by the domain of the pair.
std::map<std::string, double> share_right(const std::vector<CrowdPair>& judged, const std::string& role) {
  std::map<std::string, std::pair<double, double>> counts;
  for (const CrowdPair& pair : judged)
    for (const auto& judgment : pair.record["judgments"]) {
      if (judgment["role"] != role) continue;
      const auto& chosen = pair.record["responses"][judgment["choice"] == "a" ? 0 : 1];
      auto& [right, all] = counts[pair.record["domain"]];
      right += chosen["text"] == "It is 7.";
      ++all;
    }
  std::map<std::string, double> shares;
  for (const auto& [domain, count] : counts) shares[domain] = count.first / count.second;
  return shares;
}

TEST(Crowd, IsRightAsOftenAsItsPeopleAre) {
  const auto judged = judge_by_crowd(many_pairs(8000), 3);
  const auto crowd = share_right(judged, "crowd"), experts = share_right(judged, "expert");
  // Means of the uniform ranges: .925; of 20 people 15 are agreeable: .25·.925 + .75·(1 − .75).
  EXPECT_NEAR(crowd.at("plain"), 0.925, 0.02);
  EXPECT_NEAR(crowd.at("wrong_hint"), 0.25 * 0.925 + 0.75 * 0.25, 0.04);
  EXPECT_NEAR(experts.at("plain"), 0.98, 0.04);
  EXPECT_NEAR(experts.at("wrong_hint"), 0.98, 0.04);
}

TEST(Crowd, GivesThreeVotesOfDifferentPeopleAndAnExpertOnAFewPairs) {
  const auto judged = judge_by_crowd(many_pairs(4000), 1);
  int by_experts = 0, first = 0;
  for (const CrowdPair& pair : judged) {
    std::set<std::string> people;
    for (const auto& judgment : pair.record["judgments"]) people.insert(judgment["annotator"]);
    EXPECT_EQ(people.size(), 3U + pair.of_expert.has_value());
    by_experts += pair.of_expert.has_value();
    first += pair.record["responses"][0]["text"] == "It is 7.";
  }
  EXPECT_NEAR(by_experts, 200, 5 * std::sqrt(200 * 0.95));
  EXPECT_NEAR(first, 2000, 5 * std::sqrt(1000));
}

TEST(Crowd, DependsOnlyOnTheSeed) {
  const auto once = judge_by_crowd(many_pairs(50), 1), again = judge_by_crowd(many_pairs(50), 1);
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(once[i].record, again[i].record);
  EXPECT_NE(judge_by_crowd(many_pairs(50), 2)[0].record, once[0].record);
}

}  // namespace
}  // namespace agreement
