#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/data_options.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/data/samples.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/records/records.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/setup.h"

/// What methods that train on their own samples share, as functions of tensors and models. B responses, R response
/// tokens of a rollout. Functions add what they computed to `work`. All but backward_* run without a gradient.
namespace rlhf {

/// The prompts of a run.
struct PromptData {
  SampleSet<PromptSample> prompts;
  RecordCounts counts;

  std::int64_t longest() const;
  std::int64_t mean_tokens() const;
};
PromptData load_prompts(const PromptDataOptions& options, const Setup& setup);
/// A few prompts for --dry-run.
std::vector<std::string> first_prompts(const PromptData& data, const Tokenizer& tokenizer);

/// The prompts of rollout `step`, one per response: batch_size / num_samples_per_prompt prompts in the order of `order`
/// (whose batches are single prompts), each num_samples_per_prompt times in a row.
std::vector<const PromptSample*> choose_prompts(const BatchOrder& order, const std::vector<PromptSample>& prompts,
                                                std::int64_t step, const RolloutOptions& options);

/// Samples one response to each of `prompts`. The random numbers of response i are a function of (seed, step, i).
Rollout collect_rollout(CausalLM& policy, std::span<const PromptSample* const> prompts, const RolloutOptions& options,
                        const TokenIds& stop_ids, std::int64_t seed, std::int64_t step, WorkCounters& work);
/// The responses as text; `tokenizer` null: responses are empty texts.
std::vector<ResponseRecord> read_responses(const Rollout& rollout, std::span<const PromptSample* const> prompts,
                                           const Tokenizer* tokenizer);
/// The scores of `reward` with the rule for responses without EOS, [B] float32 on the rollout's device. Throws
/// NumericsError on a score that is not finite, ShapeError on a wrong number of them.
at::Tensor score_responses(RewardSource& reward, const Rollout& rollout, std::span<const ResponseRecord> responses,
                           const RewardOptions& options, WorkCounters& work);
/// Lines for samples.jsonl: prompt, response, score, kl (nats, to the reference), finish, record.
std::vector<nlohmann::ordered_json> sample_lines(const ScoredRollout& scored);

/// How models are run over a rollout.
struct ForwardOptions {
  double temperature = 1.0;
  std::int64_t micro_batch_tokens = 0;  ///< of prompts and responses together
};

/// 0, …, B−1.
std::vector<std::size_t> all_sequences(const Rollout& rollout);
/// A fresh split of all sequences into mini-batches of `size`, a function of (seed, step, epoch).
std::vector<std::vector<std::size_t>> split_into_mini_batches(const Rollout& rollout, std::int64_t size,
                                                              std::int64_t seed, std::int64_t step, std::int64_t epoch);
std::int64_t response_tokens(const Rollout& rollout, std::span<const std::size_t> sequences);

/// Log-probabilities of the response tokens of `sequences` under `model`, at the temperature: [R] float32, zero for the
/// tokens of other sequences.
at::Tensor logprobs_of(CausalLM& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                       const ForwardOptions& options, WorkCounters& work);
/// Values at the rows that predict the response tokens, reward_mean() subtracted: [R] float32, zero elsewhere.
at::Tensor values_of(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, WorkCounters& work);

/// A scalar loss, a sum over response tokens, from what the model says of them ([c], wants a gradient). `rows` [c]
/// int64 are their indices among the R response tokens.
using ResponseLoss = std::function<at::Tensor(const at::Tensor& figures, const at::Tensor& rows)>;

/// Adds the gradient of `loss` of the log-probabilities of `sequences`, one micro-batch after the other. Returns the
/// sum of the entropies of the predicting rows, nats, a scalar on the device.
at::Tensor backward_policy(CausalLM& policy, const Rollout& rollout, std::span<const std::size_t> sequences,
                           const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work);
/// The same for values (reward_mean() subtracted).
void backward_values(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work);

/// Mean of |log-probability in training − in sampling| over `rows` of [R]. With `must_agree` (before the first update
/// of a run, when both are of the same weights) throws NumericsError above the rounding of `dtype`: float32 1e-4,
/// bfloat16 mean 1e-2 and largest 0.1.
double compare_with_sampler(const at::Tensor& logprobs, const Rollout& rollout, const at::Tensor& rows,
                            at::ScalarType dtype, bool must_agree);
/// Indices [r] int64 of the response tokens of `sequences` among the R of the rollout.
at::Tensor response_rows(const Rollout& rollout, std::span<const std::size_t> sequences);

}  // namespace rlhf
