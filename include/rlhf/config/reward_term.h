#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

namespace rlhf {

/// An item of reward.terms: a check or a program that scores responses, and its weight in the score.
struct RewardTerm {
  std::string name;
  double weight = 1.0;
  RewardCheck check = RewardCheck::none;
  std::string field = "answer";
  std::string pattern;
  std::vector<std::string> command;
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
                       "regex: it has a match of `pattern`; json: it is a JSON value; none: by `command`"),
      field<&C::field>("answer: the field of the record; of a text with \"####\", what stands after it, as in GSM8K"),
      field<&C::pattern>("regex: an expression in the syntax of PCRE2"),
      field<&C::command>(
          "a program and its arguments: it reads a line of JSON for each response and writes a line with "
          "its score (docs/rewards.md)"),
      field<&C::workers>("number of processes of `command` among which the responses are divided", in_range(1, 256)),
      field<&C::timeout_seconds>("longest time without an answer of `command`", more_than(0.0)));
}

}  // namespace rlhf
