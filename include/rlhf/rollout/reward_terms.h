#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rlhf/config/reward_term.h"
#include "rlhf/rollout/reward_source.h"

/// Rewards from rules, from programs in any language, and sums of several rewards. docs/rewards.md describes them for
/// users.
namespace rlhf {

/// The answer that the record of a prompt (JSON text) has in `field`: a text or a number; of a text with "####" what
/// stands after the last of them, without spaces around it. Throws DataError if there is none.
std::string answer_of(const std::string& record, const std::string& field);

/// 1 for a response that passes term.check, else 0:
///   answer: gives_answer() of records/checked_questions.h with the answer of the record;
///   regex: has a match of term.pattern;  json: is a JSON value, with nothing but white space around it.
/// Throws ConfigError for a pattern that does not compile, and ArgumentError for the check none.
std::unique_ptr<RewardSource> reward_from_check(const RewardTerm& term);

/// Scores of a program that runs as long as the object, term.workers times. It reads a line of JSON per response,
///   {"prompt": …, "response": …, "finish": "stop" or "length", "record": …}
/// and writes a line for each, in the same order: a number, or {"score": number}. A program that ends or gives nothing
/// for term.timeout_seconds is started again, once per call of score(), and gets its lines again. Throws RewardError if
/// it cannot be started, fails twice, or writes anything else.
std::unique_ptr<RewardSource> reward_from_program(const RewardTerm& term);

/// A source, its weight, and its name in the metrics.
struct WeightedReward {
  std::string name;
  double weight = 1;
  std::unique_ptr<RewardSource> source;
};
/// Σ weight · score. Sets RewardRequest::terms. Errors: ArgumentError for no term; those of the sources.
std::unique_ptr<RewardSource> reward_from_terms(std::vector<WeightedReward> terms);

}  // namespace rlhf
