#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rlhf/config/reward_term.h"
#include "rlhf/rollout/reward_source.h"

/// Rewards from rules, programs in any language and services, and sums of several rewards. docs/rewards.md describes
/// them for users.
namespace rlhf {

/// The answer that the record of a prompt (JSON text) has in `field`: a text or a number; of a text with "####" what
/// stands after the last of them, without spaces around it. Throws DataError if there is none.
std::string answer_of(const std::string& record, const std::string& field);

/// 1 for a response that passes term.check, else 0:
///   answer: gives_answer() of records/checked_questions.h with the answer of the record;
///   regex: has a match of term.pattern;  json: is a JSON value, with nothing but white space around it.
/// overlong is a penalty by the number T of tokens: −clip((T − (max_tokens − buffer_tokens)) / buffer_tokens, 0, 1),
/// the soft overlong punishment of DAPO (arXiv:2503.14476, eq. 13). Throws ConfigError for a pattern that does not
/// compile, and ArgumentError for the check none and for overlong without max_tokens.
std::unique_ptr<RewardSource> reward_from_check(const RewardTerm& term);

/// Scores of a program that runs as long as the object, term.workers times. It reads a line of JSON per response,
///   {"prompt": …, "response": …, "finish": "stop" or "length", "record": …}
/// and writes a line for each, in the same order: a number, or {"score": number}. A program that ends or gives nothing
/// for term.timeout_seconds is started again, once per call of score(), and gets its lines again. Throws RewardError if
/// it cannot be started, fails twice, or writes anything else.
std::unique_ptr<RewardSource> reward_from_program(const RewardTerm& term);

/// Scores of a service: POST to term.url, term.batch_size responses per request and term.workers requests at a time,
///   {"query": [prompt + response, …], "prompts": [prompt, …], "labels": [field term.field of the record, else "", …]}
/// which is answered by {"rewards": [number, …]} in the same order (a list of one number each is a number): the
/// protocol of remote_rm_url of OpenRLHF. A request that finds no connection, gets no answer for term.timeout_seconds,
/// or gets the status 429, 502, 503 or 504 is repeated term.max_retries times, with a wait of 0.25 s that doubles.
/// Throws RewardError if that is not enough, and for any other status or answer.
std::unique_ptr<RewardSource> reward_from_url(const RewardTerm& term);

/// A source, its weight, and its name in the metrics.
struct WeightedReward {
  std::string name;
  double weight = 1;
  std::unique_ptr<RewardSource> source;
};
/// Σ weight · score. Sets RewardRequest::terms. Errors: ArgumentError for no term; those of the sources.
std::unique_ptr<RewardSource> reward_from_terms(std::vector<WeightedReward> terms);

}  // namespace rlhf
