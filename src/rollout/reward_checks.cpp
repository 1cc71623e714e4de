// Rewards by rules.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"
#include "rlhf/core/utf8.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/records/checked_questions.h"
#include "rlhf/rollout/reward_terms.h"
#include "rlhf/text/regex.h"

namespace rlhf {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Regex compiled(const RewardTerm& term) {
  try {
    return Regex(term.pattern);
  } catch (const std::invalid_argument& error) {
    throw ConfigError({"reward.terms: " + term.name +
                       ": pattern: expected an expression of PCRE2, found one that does " +
                       "not compile: " + error.what()});
  }
}

class CheckReward : public RewardSource {
 public:
  explicit CheckReward(const RewardTerm& term) : term_(term) {
    if (term.check == RewardCheck::regex) regex_.emplace(compiled(term));
    if (term.check == RewardCheck::none)
      throw ArgumentError("check: expected answer, regex, json or overlong, found none");
    if (term.check != RewardCheck::overlong) return;
    check_argument(term.max_tokens.has_value(), "max_tokens", "a number with check: overlong", "none");
    check_argument(term.buffer_tokens >= 1 && term.buffer_tokens <= *term.max_tokens, "buffer_tokens",
                   "from 1 to max_tokens", term.buffer_tokens);
  }

  std::vector<float> score(const RewardRequest& request) override {
    std::vector<float> scores;
    for (std::size_t i = 0; i < request.responses.size(); ++i) {
      stop_if_signalled();
      if (term_.check == RewardCheck::overlong) {
        scores.push_back(of_length(request.rollout.responses.length(static_cast<std::int64_t>(i))));
      } else {
        scores.push_back(passes(request.responses[i]) ? 1 : 0);
      }
    }
    return scores;
  }

 private:
  float of_length(std::int64_t tokens) const {
    const std::int64_t over = tokens - (*term_.max_tokens - term_.buffer_tokens);
    const auto share = static_cast<double>(over) / static_cast<double>(term_.buffer_tokens);
    return static_cast<float>(-std::clamp(share, 0.0, 1.0));
  }

  bool passes(const ResponseRecord& response) const {
    switch (term_.check) {
      case RewardCheck::answer:
        return gives_answer(response.response, answer_of(response.record, term_.field));
      case RewardCheck::regex:
        return !first_invalid_utf8(response.response) && regex_->matches(response.response);
      case RewardCheck::json:
        return nlohmann::json::accept(response.response);
      case RewardCheck::overlong:
      case RewardCheck::none:
        break;
    }
    return false;
  }

  const RewardTerm term_;
  std::optional<Regex> regex_;
};

}  // namespace

std::string answer_of(const std::string& record, const std::string& field) {
  const auto json = parse_json_object(record, "the record of a prompt", throw_as<DataError>);
  const auto found = json.find(field);
  std::string answer;
  if (found != json.end() && found->is_number()) answer = found->dump();
  if (found != json.end() && found->is_string()) {
    answer = found->get<std::string>();
    if (const auto mark = answer.rfind("####"); mark != std::string::npos) answer = answer.substr(mark + 4);
  }
  answer = trimmed(answer);
  if (!answer.empty()) return answer;
  throw DataError("the record of a prompt: " + field + ": expected an answer, a text or a number, found " +
                  (found == json.end() ? "no such field; it has " + shown_keys(json) : shown_json(*found)));
}

std::unique_ptr<RewardSource> reward_from_check(const RewardTerm& term) { return std::make_unique<CheckReward>(term); }

}  // namespace rlhf
