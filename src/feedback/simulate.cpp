// Annotators and pairs with known answers.
#include "rlhf/feedback/simulate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/random.h"

namespace rlhf {
namespace {

/// The purposes of random numbers.
enum Purpose : std::uint64_t {
  kAssign = 0x61736b,
  kShow,
  kSlip,
  kSlipTo,
  kNoise,
  kLabel,
  kHint,
  kWrong,
  kLength,
  kSpread,
  kDomain,
  kExpert
};

double drawn_uniform(std::uint64_t seed, Purpose purpose, std::int32_t pair, std::int32_t annotator = 0) {
  return random_uniform(seed, random_stream(purpose, annotator), pair);
}

double drawn_normal(std::uint64_t seed, Purpose purpose, std::int32_t pair) {
  return random_normal(seed, random_stream(purpose), pair);
}

void check_share(double share, std::string_view name) {
  check_argument(share >= 0 && share <= 1, name, "0 to 1", share);
}

void check_number(double value, std::string_view name) {
  check_argument(std::isfinite(value), name, "a finite number", value);
}

void check_pairs(const std::vector<SimulatedPair>& pairs) {
  check_argument(!pairs.empty(), "pairs", "at least one", "none");
  for (const SimulatedPair& pair : pairs) {
    check_argument(std::isfinite(pair.quality) && pair.quality != 0, "quality", "a finite number but 0", pair.quality);
    check_number(pair.length, "length");
    check_number(pair.agreement, "agreement");
    check_argument(pair.domain >= 0, "domain", "at least 0", pair.domain);
  }
}

double expertise_in(const SimulatedAnnotator& annotator, std::int32_t domain) {
  if (annotator.expertise.empty()) return 1;
  check_argument(domain < static_cast<std::int32_t>(annotator.expertise.size()), "domain",
                 "one that the annotator's expertise names", domain);
  return annotator.expertise[domain];
}

double utility(const SimulatedPair& pair, const SimulatedAnnotator& annotator, bool swapped, std::int64_t before) {
  const double rest = std::exp(-annotator.fatigue * static_cast<double>(before) / 100);
  return annotator.rationality * expertise_in(annotator, pair.domain) * rest * pair.quality +
         annotator.position_bias * (swapped ? -1 : 1) + annotator.length_bias * pair.length +
         annotator.agreement_bias * pair.agreement;
}

/// The answer by the strength of x = u + noise: 0 below the first cut, ±1 below the second, ….
std::int32_t answer_by(double x, const std::vector<double>& cuts) {
  const std::int32_t sign = x > 0 ? 1 : -1;
  if (cuts.empty()) return sign;
  return sign * static_cast<std::int32_t>(std::upper_bound(cuts.begin(), cuts.end(), std::abs(x)) - cuts.begin());
}

std::int32_t drawn_answer(double u, const SimulatedAnnotator& annotator, const Assignment& asked, std::uint64_t seed) {
  if (drawn_uniform(seed, kSlip, asked.pair, asked.annotator) < annotator.error)
    return drawn_uniform(seed, kSlipTo, asked.pair, asked.annotator) < 0.5 ? 1 : -1;
  const double uniform = drawn_uniform(seed, kNoise, asked.pair, asked.annotator);
  return answer_by(u + std::log(uniform / (1 - uniform)), annotator.cuts);
}

/// `count` different numbers below `bound`.
std::vector<std::int32_t> draw_different(std::int32_t count, std::int32_t bound, std::uint64_t seed,
                                         std::uint64_t stream) {
  std::vector<std::int32_t> found;
  for (std::uint64_t draw = 0; static_cast<std::int32_t>(found.size()) < count; ++draw) {
    const auto number = static_cast<std::int32_t>(random_below(seed, stream, draw, bound));
    if (std::find(found.begin(), found.end(), number) == found.end()) found.push_back(number);
  }
  return found;
}

}  // namespace

void check_annotator(const SimulatedAnnotator& annotator) {
  check_share(annotator.error, "error");
  check_number(annotator.rationality, "rationality");
  check_number(annotator.position_bias, "position_bias");
  check_number(annotator.length_bias, "length_bias");
  check_number(annotator.agreement_bias, "agreement_bias");
  check_number(annotator.cost, "cost");
  check_argument(annotator.fatigue >= 0 && std::isfinite(annotator.fatigue), "fatigue", "at least 0",
                 annotator.fatigue);
  for (const double factor : annotator.expertise) check_number(factor, "expertise");
  double last = 0;
  for (const double cut : annotator.cuts) {
    check_argument(cut > last && std::isfinite(cut), "cuts", "increasing numbers above 0", cut);
    last = cut;
  }
}

std::vector<Assignment> assign_annotators(std::int32_t pairs, std::int32_t annotators, std::int32_t per_pair,
                                          std::uint64_t seed) {
  check_argument(pairs >= 1, "pairs", "at least 1", pairs);
  check_argument(per_pair >= 1 && per_pair <= annotators, "per_pair", "1 to the number of annotators", per_pair);
  std::vector<Assignment> found;
  for (std::int32_t pair = 0; pair < pairs; ++pair) {
    for (const std::int32_t k : draw_different(per_pair, annotators, seed, random_stream(kAssign, pair)))
      found.push_back({pair, k});
  }
  return found;
}

SimulatedVotes simulate_votes(const std::vector<SimulatedPair>& pairs,
                              const std::vector<SimulatedAnnotator>& annotators,
                              const std::vector<Assignment>& assignments, std::uint64_t seed) {
  check_pairs(pairs);
  for (const SimulatedAnnotator& annotator : annotators) check_annotator(annotator);
  SimulatedVotes found;
  std::vector<std::int64_t> before(annotators.size());
  for (const Assignment& asked : assignments) {
    check_argument(asked.pair >= 0 && asked.pair < static_cast<std::int32_t>(pairs.size()), "assignments",
                   "pairs of the list", asked.pair);
    check_argument(asked.annotator >= 0 && asked.annotator < static_cast<std::int32_t>(annotators.size()),
                   "assignments", "annotators of the list", asked.annotator);
    const SimulatedAnnotator& annotator = annotators[asked.annotator];
    const bool swapped = drawn_uniform(seed, kShow, asked.pair, asked.annotator) < 0.5;
    const double u = utility(pairs[asked.pair], annotator, swapped, before[asked.annotator]++);
    const std::int32_t steps = annotator.cuts.empty() ? 2 : 2 * static_cast<std::int32_t>(annotator.cuts.size()) + 1;
    const auto position = static_cast<std::int8_t>(swapped ? -1 : 1);
    found.votes.push_back({asked.pair, asked.annotator, drawn_answer(u, annotator, asked, seed), steps, position});
    found.cost += annotator.cost;
  }
  return found;
}

std::vector<SimulatedPair> simulate_pairs(const PairPopulation& population, std::uint64_t seed) {
  check_argument(population.pairs >= 1, "pairs", "at least 1", population.pairs);
  check_argument(population.domains >= 1, "domains", "at least 1", population.domains);
  check_share(population.hinted, "hinted");
  check_share(population.wrong_hints, "wrong_hints");
  check_argument(population.quality_spread >= 0 && std::isfinite(population.quality_spread), "quality_spread",
                 "at least 0", population.quality_spread);
  std::vector<SimulatedPair> found;
  for (std::int32_t i = 0; i < population.pairs; ++i) {
    const double label = drawn_uniform(seed, kLabel, i) < 0.5 ? 1 : -1;
    const bool hinted = drawn_uniform(seed, kHint, i) < population.hinted;
    const bool wrong = drawn_uniform(seed, kWrong, i) < population.wrong_hints;
    SimulatedPair pair;
    pair.quality = label * std::exp(population.quality_spread * drawn_normal(seed, kSpread, i));
    pair.length = drawn_normal(seed, kLength, i);
    pair.agreement = hinted ? (wrong ? -label : label) : 0;
    pair.domain = static_cast<std::int32_t>(random_below(seed, random_stream(kDomain), i, population.domains));
    found.push_back(pair);
  }
  return found;
}

JudgedPairs judged_pairs(const std::vector<SimulatedPair>& pairs, const SimulatedVotes& votes,
                         std::int32_t annotators) {
  check_pairs(pairs);
  JudgedPairs found{static_cast<std::int32_t>(pairs.size()), annotators, votes.votes, {{true, false}, {}}, {}};
  std::int32_t last = 0;
  for (const SimulatedPair& pair : pairs) {
    found.features.differences.insert(found.features.differences.end(), {pair.agreement, pair.length});
    found.domains.of_pair.push_back(pair.domain);
    last = std::max(last, pair.domain);
  }
  found.domains.count = last + 1;
  return found;
}

std::vector<std::int8_t> expert_labels(const std::vector<SimulatedPair>& pairs, double share, std::uint64_t seed) {
  check_share(share, "share");
  std::vector<std::int8_t> found;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const bool seen = drawn_uniform(seed, kExpert, static_cast<std::int32_t>(i)) < share;
    found.push_back(static_cast<std::int8_t>(!seen ? 0 : pairs[i].quality > 0 ? 1 : -1));
  }
  return found;
}

}  // namespace rlhf
