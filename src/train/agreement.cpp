// Agreement with the asker's belief, and the estimate of the penalty on it.
#include "rlhf/train/agreement.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/feedback/agreement_penalty.h"
#include "rlhf/feedback/text_features.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/train/policy_evaluation.h"

#include "supervised.h"

namespace rlhf {

namespace {

constexpr const char* kKey = "reward.agreement_penalty";

std::optional<std::string> lenient_belief_of(const PromptSample& prompt) {
  try {
    return belief_of(prompt);
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// The prompts that the estimate uses, each as often as it is answered.
std::vector<const PromptSample*> choose_asked(const std::vector<PromptSample>& prompts, const RewardOptions& reward,
                                              std::int64_t seed) {
  std::vector<const PromptSample*> with_belief, chosen;
  for (const PromptSample& prompt : prompts)
    if (prompt.belief) with_belief.push_back(&prompt);
  if (with_belief.empty()) return {};
  for (const std::size_t i : choose_evaluated(with_belief.size(), reward.agreement_prompts, seed))
    chosen.insert(chosen.end(), static_cast<std::size_t>(reward.agreement_samples), with_belief[i]);
  return chosen;
}

/// One sample per prompt of `asked`, in which the answers to a prompt are adjacent.
std::vector<AgreementSamples> group(const std::vector<double>& scores, const std::vector<bool>& agree,
                                    std::size_t size) {
  std::vector<AgreementSamples> groups(scores.size() / size);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    groups[i / size].scores.push_back(scores[i]);
    groups[i / size].agrees.push_back(agree[i]);
  }
  return groups;
}

std::string describe(const std::vector<AgreementSamples>& groups, const Agreement& counted) {
  char share[32];
  std::snprintf(share, sizeof share, "%.3g", 100 * counted.share().value_or(0));
  return std::to_string(groups.size()) + " prompts with a belief, " + std::to_string(counted.beliefs) +
         " answers of the initial policy, of which " + share + " % agree";
}

}  // namespace

std::optional<std::string> belief_of(const PromptSample& prompt) {
  if (prompt.extra.find("\"belief\"") == std::string::npos) return stated_belief(prompt.asked);
  const auto record = parse_json_object(prompt.extra, "the record of a prompt", throw_as<DataError>);
  const auto field = record.find("belief");
  if (field == record.end()) return stated_belief(prompt.asked);
  if (field->is_null()) return std::nullopt;
  if (field->is_string()) return field->get<std::string>();
  if (field->is_number()) return field->dump();
  throw DataError("belief: expected a text, a number or null, found " + shown_json(*field) +
                  " in the record of the prompt " + shown_json(prompt.asked));
}

std::int64_t find_beliefs(std::vector<PromptSample>& prompts, bool penalised) {
  std::int64_t found = 0;
  for (PromptSample& prompt : prompts) {
    prompt.belief = penalised ? belief_of(prompt) : lenient_belief_of(prompt);
    found += prompt.belief.has_value();
  }
  return found;
}

bool agrees(const ResponseRecord& response) {
  return response.belief && agreement_with(response.response, *response.belief) > 0;
}

Agreement& Agreement::operator+=(const Agreement& other) {
  beliefs += other.beliefs;
  agreeing += other.agreeing;
  return *this;
}

std::optional<double> Agreement::share() const {
  if (beliefs == 0) return std::nullopt;
  return static_cast<double>(agreeing) / static_cast<double>(beliefs);
}

Agreement count_agreement(std::span<const ResponseRecord> responses) {
  Agreement counted;
  for (const ResponseRecord& response : responses) {
    counted.beliefs += response.belief.has_value();
    counted.agreeing += agrees(response);
  }
  return counted;
}

double estimate_agreement_penalty(const EvaluatedModels& models, const std::vector<PromptSample>& prompts,
                                  const RolloutOptions& rollout, const RewardOptions& reward, double kl_coef,
                                  std::int64_t seed) {
  RewardOptions unpenalised = reward;
  unpenalised.agreement_penalty.number = 0;
  const auto asked = choose_asked(prompts, reward, seed);
  if (asked.empty()) return 0;  // OnPolicyModels has warned
  const auto size = static_cast<std::size_t>(rollout.batch_size);
  std::vector<double> scores;
  std::vector<bool> agree;
  Agreement counted;
  WorkCounters work;
  for (std::size_t begin = 0, batch = 0; begin < asked.size(); begin += size, ++batch) {
    const auto part = std::span(asked).subspan(begin, std::min(size, asked.size() - begin));
    const RolloutDraws draws{seed, static_cast<std::int64_t>(batch), RolloutPurpose::agreement_penalty};
    const Rollout answered =
        collect_rollout(models.policy, part, rollout, models.stop_ids, models.tokenizer, draws, work, models.ranks);
    const auto responses = read_responses(answered, part, models.tokenizer);
    const at::Tensor found = score_responses(models.reward, answered, responses, unpenalised, work,
                                             /*moments=*/nullptr, models.ranks)
                                 .values.cpu();
    for (std::size_t i = 0; i < responses.size(); ++i) {
      scores.push_back(found.const_data_ptr<float>()[i]);
      agree.push_back(agrees(responses[i]));
    }
    counted += count_agreement(responses);
  }
  const auto groups = group(scores, agree, static_cast<std::size_t>(reward.agreement_samples));
  const auto penalty = agreement_penalty(groups, kl_coef);
  if (!penalty) {
    log_warning(std::string(kKey) +
                ": expected a prompt that the initial policy answers with and without agreement, "
                "found none, so the penalty is 0 (" +
                describe(groups, counted) +
                "); hint: raise reward.agreement_prompts or reward.agreement_samples, or give a number");
    return 0;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *penalty);
  log_info(std::string(kKey) + ": " + text + " by " + describe(groups, counted));
  return *penalty;
}

}  // namespace rlhf
