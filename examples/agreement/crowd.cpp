// The crowd and the experts of the demo.
#include "crowd.h"

#include <utility>

#include "rlhf/core/random.h"

#include "world.h"

namespace agreement {
namespace {

using Json = nlohmann::ordered_json;

/// The purposes of random numbers.
enum CrowdStream : std::uint64_t { right = 200, agreeing, place, who, answer, asked, expert };

double uniform(std::uint64_t seed, CrowdStream stream, std::uint64_t index, std::uint64_t draw = 0) {
  return rlhf::random_uniform(seed, rlhf::random_stream(stream, index), draw);
}

double between(double low, double high, double share) { return low + (high - low) * share; }

/// Whether the false answer agrees with the asker's wrong belief.
bool agrees_with_wrong_belief(const Pair& pair) {
  return pair.hint && *pair.hint != pair.sum && stated_number(pair.rejected) == pair.hint;
}

/// The probability that member k of the crowd chooses the true answer.
double probability_right(int k, bool tempted, std::uint64_t seed, const CrowdOptions& options) {
  const auto index = static_cast<std::uint64_t>(k);
  if (tempted && k < options.agreeable)
    return 1 - between(options.lowest_agreeing, options.highest_agreeing, uniform(seed, agreeing, index));
  return between(options.lowest_right, options.highest_right, uniform(seed, right, index));
}

Json judgment(const std::string& annotator, const char* role, const std::string& choice) {
  return {{"annotator", annotator}, {"role", role}, {"choice", choice}};
}

CrowdPair judge(const Pair& pair, std::uint64_t i, std::uint64_t seed, const CrowdOptions& options) {
  const bool first = uniform(seed, place, i) < 0.5;
  const std::string good = first ? "a" : "b", bad = first ? "b" : "a";
  CrowdPair made{.record = {{"prompt", pair.prompt},
                            {"responses",
                             {{{"id", "a"}, {"text", first ? pair.chosen : pair.rejected}},
                              {{"id", "b"}, {"text", first ? pair.rejected : pair.chosen}}}},
                            {"domain", to_string(kind_of(pair.sum, pair.hint))}}};
  if (pair.hint) made.record["belief"] = std::to_string(*pair.hint);
  Json& judgments = made.record["judgments"] = Json::array();
  const auto order =
      rlhf::random_permutation(static_cast<std::size_t>(options.people), seed, rlhf::random_stream(who, i));
  for (int vote = 0; vote < options.votes; ++vote) {
    const int k = static_cast<int>(order[static_cast<std::size_t>(vote)]);
    const bool is_right = uniform(seed, answer, i, static_cast<std::uint64_t>(vote)) <
                          probability_right(k, agrees_with_wrong_belief(pair), seed, options);
    judgments.push_back(judgment("crowd-" + std::to_string(k + 1), "crowd", is_right ? good : bad));
  }
  if (uniform(seed, asked, i) >= options.expert_share) return made;
  const bool is_right = uniform(seed, expert, i) < options.expert_right;
  const auto number =
      rlhf::random_below(seed, rlhf::random_stream(expert, i), 1, static_cast<std::uint64_t>(options.experts));
  judgments.push_back(judgment("expert-" + std::to_string(number + 1), "expert", is_right ? good : bad));
  made.of_expert = pair;
  if (!is_right) std::swap(made.of_expert->chosen, made.of_expert->rejected);
  return made;
}

}  // namespace

std::vector<CrowdPair> judge_by_crowd(const std::vector<Pair>& pairs, std::uint64_t seed, const CrowdOptions& options) {
  std::vector<CrowdPair> judged;
  for (std::size_t i = 0; i < pairs.size(); ++i) judged.push_back(judge(pairs[i], i, seed, options));
  return judged;
}

}  // namespace agreement
