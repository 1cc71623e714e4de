#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// An item of reward.terms: a check, a program or a service that scores responses, and its weight in the score.
struct RewardTerm {
  std::string name;
  double weight = 1.0;
  RewardCheck check = RewardCheck::none;
  std::string field = "answer";
  std::string pattern;
  std::int64_t buffer_tokens = 0;
  std::optional<std::int64_t> max_tokens;
  std::vector<std::string> command;
  std::string url;
  std::int64_t batch_size = 64;
  std::int64_t max_retries = 5;
  std::int64_t workers = 1;
  double timeout_seconds = 60.0;
  bool operator==(const RewardTerm&) const = default;
};
constexpr auto describe(const RewardTerm*) {
  using C = RewardTerm;
  return std::make_tuple(
      field<&C::name>("its name in the metrics: reward/NAME"),
      field<&C::weight>("its weight in the score; negative for what should not be there"),
      field<&C::check>("1 or 0 by a rule: answer: the response gives the answer of its record, a number or a text; "
                       "regex: it has a match of `pattern`; json: it is a JSON value; overlong: 0 or a penalty by its "
                       "length; none: by `command` or `url`"),
      field<&C::field>(
          "answer: the field of the record; of a text with \"####\", what stands after it, as in GSM8K; url: "
          "the field that is sent as the label"),
      field<&C::pattern>("regex: an expression in the syntax of PCRE2"),
      field<&C::buffer_tokens>(
          "overlong: the score falls from 0 to −1 over the last buffer_tokens before max_tokens (soft "
          "overlong punishment of DAPO)",
          at_least(0)),
      field<&C::max_tokens>("overlong: the length in tokens with the score −1; default: rollout.max_new_tokens",
                            at_least(1)),
      field<&C::command>(
          "a program and its arguments: it reads a line of JSON for each response and writes a line with "
          "its score (docs/rewards.md)"),
      field<&C::url>("an http or https service that scores by POST, as remote_rm_url of OpenRLHF (docs/rewards.md)"),
      field<&C::batch_size>("url: responses per request", at_least(1)),
      field<&C::max_retries>(
          "url: how often a request is repeated after a connection that failed or was lost, a time-out or status 429, "
          "502, 503 or 504; the wait before it doubles from 0.25 s, up to 30 s",
          in_range(0, 16)),
      field<&C::workers>(
          "number of processes of `command`, or of requests to `url` at a time, among which the responses are "
          "divided",
          in_range(1, 256)),
      field<&C::timeout_seconds>("longest time without an answer of `command` or `url`", more_than(0.0)));
}

}  // namespace rlhf
