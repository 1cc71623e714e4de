#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {

// Annotators of known reliability and biases, and pairs of known labels: for tests, and to plan how many votes are
// needed. A draw depends only on the seed and on what is drawn, so a vote is the same on every machine, whichever other
// pairs and annotators there are.

/// Differences of two answers, first − second.
struct SimulatedPair {
  double quality = 1;    ///< not 0; its sign is the label
  double length = 0;     ///< in units of a usual difference
  double agreement = 0;  ///< with the belief that the asker states: −1, 0 or 1
  std::int32_t domain = 0;
};

/// An annotator sees a utility u, and answers by u + noise, which has the logistic distribution:
///   u = rationality · expertise · e^(−fatigue · n / 100) · quality
///       + position_bias · p + length_bias · length + agreement_bias · agreement
/// n counts the annotator's votes before this one; p is 1 if the first answer is shown first, else −1. In the manner of
/// B-Pref (Lee et al., 2021), with the biases that are known of people.
struct SimulatedAnnotator {
  double rationality = 2;         ///< log-odds of a right vote per unit of quality; below 0 for an adversary
  double error = 0;               ///< share of votes that are tosses of a coin
  std::vector<double> cuts;       ///< increasing: a tie if |u + noise| is below the first, one strength more per cut
  double position_bias = 0;       ///< log-odds for the answer shown first
  double length_bias = 0;         ///< log-odds per unit of length
  double agreement_bias = 0;      ///< log-odds per unit of agreement
  std::vector<double> expertise;  ///< [domains]; empty: 1 in each
  double fatigue = 0;             ///< per 100 votes, in logarithms
  double cost = 1;                ///< of one vote
};

/// Throws ArgumentError "KEY: expected …, found …" for a number that an annotator cannot have.
void check_annotator(const SimulatedAnnotator& annotator);

/// Who is asked about which pair.
struct Assignment {
  std::int32_t pair = 0;
  std::int32_t annotator = 0;
};

/// `per_pair` different annotators for each pair, drawn with equal chances; by pair. Errors: ArgumentError, also for
/// more than there are.
std::vector<Assignment> assign_annotators(std::int32_t pairs, std::int32_t annotators, std::int32_t per_pair,
                                          std::uint64_t seed);

struct SimulatedVotes {
  std::vector<PairVote> votes;  ///< one per assignment, in their order, with the position; without cuts the scale is 2
  double cost = 0;              ///< of all votes
};

/// Errors: ArgumentError.
SimulatedVotes simulate_votes(const std::vector<SimulatedPair>& pairs,
                              const std::vector<SimulatedAnnotator>& annotators,
                              const std::vector<Assignment>& assignments, std::uint64_t seed);

/// The pairs of simulate_pairs.
struct PairPopulation {
  std::int32_t pairs = 1000;
  std::int32_t domains = 1;
  double hinted = 0;          ///< share of pairs whose asker states a belief, with which one answer agrees
  double wrong_hints = 0.5;   ///< share of these where it is the worse answer
  double quality_spread = 0;  ///< |quality| is e^(spread · normal): 1 if this is 0
};

/// Pairs with labels of equal chances, and a normal length independent of them. Errors: ArgumentError.
std::vector<SimulatedPair> simulate_pairs(const PairPopulation& population, std::uint64_t seed);

/// The pairs and votes as the fits take them. Features: agreement (a bias), and length (none). Errors: ArgumentError.
JudgedPairs judged_pairs(const std::vector<SimulatedPair>& pairs, const SimulatedVotes& votes, std::int32_t annotators);

/// The labels, +1 or −1, of about a share of the pairs that experts see, else 0. Errors: ArgumentError.
std::vector<std::int8_t> expert_labels(const std::vector<SimulatedPair>& pairs, double share, std::uint64_t seed);

}  // namespace rlhf
