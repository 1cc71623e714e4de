#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "rlhf/algo/running_moments.h"
#include "rlhf/config/data_options.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/data/samples.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/records/records.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/rollout/rollout.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/agreement.h"
#include "rlhf/train/setup.h"
#include "rlhf/train/trainee.h"

/// The common parts of methods that train on their own samples, as functions of tensors and models. A rollout has B
/// responses with R response tokens. Functions add the work they do to `work`. All functions except backward_* run
/// without recording a gradient.
///
/// Functions that get ranks share the work among them: all ranks call them with the same arguments. They return the
/// same on all ranks, except backward_*, which add the gradients and sums of this rank's share; counts of work, too,
/// are those of this rank.
namespace rlhf {

/// The prompts of a run.
struct PromptData {
  SampleSet<PromptSample> prompts;
  RecordCounts counts;

  std::int64_t longest() const;
  std::int64_t mean_tokens() const;
};
PromptData load_prompts(const PromptDataOptions& options, const Setup& setup);
/// The first few prompts as text, for --dry-run.
std::vector<std::string> first_prompts(const PromptData& data, const Tokenizer& tokenizer);

/// The prompts of rollout `step`, one per response: batch_size / num_samples_per_prompt prompts in the order of `order`
/// (whose batches are single prompts), each repeated num_samples_per_prompt times.
std::vector<const PromptSample*> choose_prompts(const BatchOrder& order, const std::vector<PromptSample>& prompts,
                                                std::int64_t step, const RolloutOptions& options);

/// `count` prompts, one per response, for round `round` (from 1) of refilling rollout `step`. `order` is another one
/// than that of choose_prompts(), so that prompts which are left over do not shift those of later rollouts.
std::vector<const PromptSample*> choose_refill_prompts(const BatchOrder& order,
                                                       const std::vector<PromptSample>& prompts, std::int64_t step,
                                                       std::int64_t round, std::int64_t count,
                                                       const RolloutOptions& options);

/// What a rollout is for; each purpose has its own random numbers.
enum class RolloutPurpose { training, refill, evaluation, agreement_penalty };

/// The random numbers of a rollout: those of response i depend only on these members and i.
struct RolloutDraws {
  std::int64_t seed = 0;
  std::int64_t step = 0;
  RolloutPurpose purpose = RolloutPurpose::training;
};
/// Samples one response to each of `prompts`. A response ends after one of `stop_ids`, or when its text contains one of
/// options.stop; for these `tokenizer` must not be null. Throws ConfigError if it is. Ids without a
/// token are not sampled, if `tokenizer` is not null.
Rollout collect_rollout(CausalLM& policy, std::span<const PromptSample* const> prompts, const RolloutOptions& options,
                        const TokenIds& stop_ids, const Tokenizer* tokenizer, const RolloutDraws& draws,
                        WorkCounters& work, const Ranks& ranks = one_rank());
/// Decodes the responses; if `tokenizer` is null, their texts are empty.
std::vector<ResponseRecord> read_responses(const Rollout& rollout, std::span<const PromptSample* const> prompts,
                                           const Tokenizer* tokenizer);
/// The repetition (rollout.h) of responses.
struct Repetition {
  double sum = 0;
  std::int64_t responses = 0;  ///< those that have one

  Repetition& operator+=(const Repetition& other);
  std::optional<double> mean() const;  ///< nullopt if no response has one
};
Repetition sum_repetition(std::span<const ResponseRecord> responses);
/// The scores of the responses of a rollout.
struct Scores {
  at::Tensor values;                    ///< [B] float32 on the device of the rollout
  std::optional<std::int64_t> clipped;  ///< number of scores outside options.clip_range; nullopt without clipping
  Agreement agreement;                  ///< of the responses with beliefs
  std::optional<double> spread;         ///< of an ensemble: mean of what its members disagree by (reward_source.h)
  std::vector<TermMean> terms;          ///< of a sum of rewards
  std::optional<double> scale;          ///< by which scores were divided; nullopt without options.scaling
};
/// Computes the scores with `reward`, applies the rule for responses that did not end, scales by options.scaling, clips
/// to options.clip_range, and then subtracts options.agreement_penalty from the scores of responses that agree with the
/// asker's belief. Scaling adds the scores to `moments`, those of all scores so far, and then uses them. Throws
/// NumericsError if a score is not finite, ShapeError if the number of scores is wrong, and ArgumentError if the
/// penalty is auto, because it is estimated once, at the start of a run (train/agreement.h), and for scaling without
/// `moments`. Each rank asks `reward` for the scores of consecutive responses, at least one.
Scores score_responses(RewardSource& reward, const Rollout& rollout, std::span<const ResponseRecord> responses,
                       const RewardOptions& options, WorkCounters& work, RunningMoments* moments = nullptr,
                       const Ranks& ranks = one_rank());
/// Lines for samples.jsonl with prompt, response, score, kl (to the reference, in nats), finish, agrees (where the
/// asker has a belief) and record.
std::vector<nlohmann::ordered_json> sample_lines(const ScoredRollout& scored);

/// Options of forward passes over a rollout.
struct ForwardOptions {
  double temperature = 1.0;
  std::int64_t micro_batch_tokens = 0;  ///< limit for the tokens of prompts and responses together
  const Ranks& ranks = one_rank();      ///< share the micro-batches
  Trainee* trained = nullptr;           ///< if given, backward_* also send its gradients to the other ranks
  bool last_passes = true;              ///< no other backward passes of `trained` follow before its step
};

/// The indices 0, …, B−1.
std::vector<std::size_t> all_sequences(const Rollout& rollout);
/// Splits all sequences into random mini-batches of `size`; the split depends only on (seed, step, epoch).
std::vector<std::vector<std::size_t>> split_into_mini_batches(const Rollout& rollout, std::int64_t size,
                                                              std::int64_t seed, std::int64_t step, std::int64_t epoch);
/// The number of response tokens of `sequences`.
std::int64_t response_tokens(const Rollout& rollout, std::span<const std::size_t> sequences);

/// The log-probabilities of the response tokens of `sequences` under `model`, at the temperature: [R] float32, 0 for
/// the tokens of other sequences.
at::Tensor logprobs_of(CausalLM& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                       const ForwardOptions& options, WorkCounters& work);
/// The values minus reward_mean() at the rows that predict the response tokens of `sequences`: [R] float32, 0 for the
/// tokens of other sequences.
at::Tensor values_of(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, WorkCounters& work);

/// A scalar loss that is a sum over response tokens. `outputs` [c] are their log-probabilities or values, which require
/// a gradient; `rows` [c] int64 are their indices among the R response tokens.
using ResponseLoss = std::function<at::Tensor(const at::Tensor& outputs, const at::Tensor& rows)>;

/// Computes the log-probabilities of `sequences` and adds the gradient of `loss` + entropy_weight · Σ H, micro-batch by
/// micro-batch. Returns Σ H, the sum of the entropies of the predicting rows of this rank in nats, a scalar on the
/// device.
at::Tensor backward_policy(CausalLM& policy, const Rollout& rollout, std::span<const std::size_t> sequences,
                           const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work,
                           double entropy_weight = 0);
/// The same for values minus reward_mean(). Returns nothing.
void backward_values(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work);

/// The mean of |log-probability in training − log-probability in sampling| over the rows `rows` of [R], a scalar on the
/// device. With `must_agree` (before the first update of a run, when both have the same weights), waits for the device
/// and throws NumericsError if the difference exceeds the rounding of `dtype`: 1e-4 for float32; mean 1e-2 and maximum
/// 0.1 for bfloat16.
at::Tensor compare_with_sampler(const at::Tensor& logprobs, const Rollout& rollout, const at::Tensor& rows,
                                at::ScalarType dtype, bool must_agree);
/// The indices of the response tokens of `sequences` among the R of the rollout: [r] int64.
at::Tensor response_rows(const Rollout& rollout, std::span<const std::size_t> sequences);

/// The log-probabilities of the policy before the first update on a rollout, [R] float32, which later updates are
/// compared with. The mini-batch that is updated first gives its own in its first pass; all others take one forward,
/// made at construction.
class OldLogprobs {
 public:
  /// `mini_batches` of the first epoch; the first of them is updated first.
  OldLogprobs(CausalLM& policy, const Rollout& rollout, std::span<const std::vector<std::size_t>> mini_batches,
              const ForwardOptions& options, WorkCounters& work);

  /// Those of `rows` [c]. During the first update `logprobs`, the policy's own of these rows, are recorded as them; the
  /// other ranks get them at its end.
  at::Tensor of(const at::Tensor& rows, const at::Tensor& logprobs);
  /// After the backward of the first update: ends the recording and compares with the sampler (compare_with_sampler).
  at::Tensor end_first_update(at::ScalarType dtype, bool must_agree);
  /// Sequences that took a forward of their own.
  std::int64_t extra_forwards() const { return extra_forwards_; }

 private:
  const Rollout& rollout_;
  const Ranks& ranks_;
  std::vector<std::size_t> first_;
  at::Tensor logprobs_;
  std::int64_t extra_forwards_ = 0;
  bool recording_ = true;
};

}  // namespace rlhf
