// Forward and backward passes over a rollout, in micro-batches.
#include <algorithm>
#include <numeric>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/train/on_policy.h"

#include "own_groups.h"

namespace rlhf {

namespace {

constexpr std::uint64_t kMiniBatchStream = 0x6d696e69;

void check_sequences(const Rollout& rollout, std::span<const std::size_t> sequences) {
  for (const std::size_t i : sequences)
    check_argument(i < rollout.finish.size(), "sequences", "indices below " + std::to_string(rollout.finish.size()), i);
}

/// Runs a loss on `outputs` [c] and its backward pass.
void backward(const ResponseLoss& loss, const at::Tensor& outputs, const at::Tensor& rows) {
  const at::Tensor value = loss(outputs, rows);
  if (!value.defined() || value.numel() != 1) throw ShapeError("loss: expected a scalar, found another tensor or none");
  check_argument(value.requires_grad(), "loss", "a function of the values that it is given", "another value");
  value.backward();
}

/// Calls body(slice), a pass of `model`, for groups of `sequences` that fit into a micro-batch, those of this rank.
/// `head`: with logits. `trained`: with gradients.
template <typename Body>
void for_each_micro_batch(const CausalLM& model, bool head, const Rollout& rollout,
                          std::span<const std::size_t> sequences, const ForwardOptions& options, Trainee* trained,
                          WorkCounters& work, const Body& body) {
  const std::int64_t budget = options.micro_batch_tokens;
  check_argument(budget > 0, "micro_batch_tokens", "at least 1", budget);
  check_sequences(rollout, sequences);
  PassItems items;
  for (const std::size_t i : sequences) {
    items.lengths.push_back(rollout.batch.segments.length(static_cast<std::int64_t>(i)));
    if (head) items.head_rows.push_back(rollout.responses.length(static_cast<std::int64_t>(i)));
  }
  const auto run = [&](std::vector<std::size_t> group) {
    for (std::size_t& member : group) member = sequences[member];
    RolloutSlice slice = slice_rollout(rollout, group);
    slice.batch.share = static_cast<double>(group.size()) / static_cast<double>(sequences.size());
    work.useful_tokens += slice.batch.segments.total();
    body(slice);
  };
  for_each_own_group(items, budget, options.ranks, model, trained, options.last_passes, run);
}

/// Runs read(slice) -> [r] without a gradient for every slice, and scatters the results of all ranks to [R].
template <typename Read>
at::Tensor gather(const CausalLM& model, bool head, const Rollout& rollout, std::span<const std::size_t> sequences,
                  const ForwardOptions& options, WorkCounters& work, const Read& read) {
  const at::NoGradGuard no_gradient;
  at::Tensor all = at::zeros_like(rollout.logprobs);
  for_each_micro_batch(model, head, rollout, sequences, options, nullptr, work,
                       [&](const RolloutSlice& slice) { all.index_copy_(0, slice.rows, read(slice)); });
  options.ranks.sum(all, "log-probabilities or values");  // the others have zeros there, so that the sum is exact
  return all;
}

/// Values minus reward_mean(): a value model that was initialised from a reward model then begins with centred scores.
at::Tensor centred_values(ScalarModel& model, const RolloutSlice& slice) {
  return model.values(slice.batch, slice.predictors).sub(model.reward_mean());
}

const std::vector<std::size_t>& first_of(std::span<const std::vector<std::size_t>> mini_batches) {
  check_argument(!mini_batches.empty(), "mini_batches", "at least one mini-batch", "none");
  return mini_batches.front();
}

void count_head(const Logprobs& logprobs, const RolloutSlice& slice, WorkCounters& work) {
  work.head_rows += logprobs.head_rows;
  work.label_rows += slice.tokens.size(0);
}

}  // namespace

std::vector<std::size_t> all_sequences(const Rollout& rollout) {
  std::vector<std::size_t> all(rollout.finish.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<std::vector<std::size_t>> split_into_mini_batches(const Rollout& rollout, std::int64_t size,
                                                              std::int64_t seed, std::int64_t step,
                                                              std::int64_t epoch) {
  check_argument(size >= 1, "size", "at least 1", size);
  const auto order = random_permutation(
      rollout.finish.size(), static_cast<std::uint64_t>(seed),
      random_stream(kMiniBatchStream, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(epoch)));
  std::vector<std::vector<std::size_t>> parts;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i % static_cast<std::size_t>(size) == 0) parts.emplace_back();
    parts.back().push_back(order[i]);
  }
  return parts;
}

std::int64_t response_tokens(const Rollout& rollout, std::span<const std::size_t> sequences) {
  check_sequences(rollout, sequences);
  std::int64_t tokens = 0;
  for (const std::size_t i : sequences) tokens += rollout.responses.length(static_cast<std::int64_t>(i));
  return tokens;
}

at::Tensor response_rows(const Rollout& rollout, std::span<const std::size_t> sequences) {
  return slice_rollout(rollout, sequences).rows;
}

at::Tensor logprobs_of(CausalLM& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                       const ForwardOptions& options, WorkCounters& work) {
  const at::Tensor all =
      gather(model, /*head=*/true, rollout, sequences, options, work, [&](const RolloutSlice& slice) {
        const at::Tensor hidden = model.forward(slice.batch, slice.predictors);  // [r,D]
        const Logprobs result = linear_logprobs(hidden, model.head(), slice.tokens,
                                                {.temperature = options.temperature, .logit_cap = model.logit_cap()});
        count_head(result, slice, work);
        return result.logprobs;
      });
  work.processed_tokens += model.take_processed_tokens();
  return all;
}

at::Tensor values_of(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, WorkCounters& work) {
  const at::Tensor all = gather(model.trunk(), /*head=*/false, rollout, sequences, options, work,
                                [&](const RolloutSlice& slice) { return centred_values(model, slice); });
  work.processed_tokens += model.trunk().take_processed_tokens();
  return all;
}

at::Tensor backward_policy(CausalLM& policy, const Rollout& rollout, std::span<const std::size_t> sequences,
                           const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work,
                           double entropy_weight) {
  check_given(loss, "loss", "a function");
  at::Tensor entropy = at::zeros({}, rollout.logprobs.options().dtype(at::kDouble));
  for_each_micro_batch(policy, /*head=*/true, rollout, sequences, options, options.trained, work,
                       [&](const RolloutSlice& slice) {
                         const at::Tensor hidden = policy.forward(slice.batch, slice.predictors);  // [r,D]
                         const Logprobs now = backward_through_logprobs(
                             hidden, policy.head(), slice.tokens,
                             {.temperature = options.temperature, .logit_cap = policy.logit_cap(), .entropy = true},
                             [&](const at::Tensor& logprobs, std::int64_t begin, std::int64_t end) {
                               return loss(logprobs, slice.rows.slice(0, begin, end));
                             },
                             entropy_weight);
                         count_head(now, slice, work);
                         entropy.add_(now.entropy.sum());
                       });
  work.processed_tokens += policy.take_processed_tokens();
  return entropy;
}

void backward_values(ScalarModel& model, const Rollout& rollout, std::span<const std::size_t> sequences,
                     const ForwardOptions& options, const ResponseLoss& loss, WorkCounters& work) {
  check_given(loss, "loss", "a function");
  for_each_micro_batch(model.trunk(), /*head=*/false, rollout, sequences, options, options.trained, work,
                       [&](const RolloutSlice& slice) { backward(loss, centred_values(model, slice), slice.rows); });
  work.processed_tokens += model.trunk().take_processed_tokens();
}

at::Tensor compare_with_sampler(const at::Tensor& logprobs, const Rollout& rollout, const at::Tensor& rows,
                                at::ScalarType dtype, bool must_agree) {
  check_shape(logprobs, "logprobs", {rollout.responses.total()});
  check_indices(rows, "rows", -1, rollout.responses.total(), rollout.logprobs.device());
  if (rows.numel() == 0) throw ShapeError("rows: expected at least one row, found none");
  const at::Tensor difference = logprobs.index_select(0, rows).sub(rollout.logprobs.index_select(0, rows)).abs();
  const at::Tensor mean_difference = difference.mean();
  if (!must_agree) return mean_difference;
  const bool exact = dtype == at::kFloat;
  const double mean = mean_difference.item<double>(), largest = difference.max().item<double>();
  if (largest <= (exact ? 1e-4 : 0.1) && mean <= (exact ? 1e-4 : 1e-2)) return mean_difference;
  throw NumericsError("before the first update: expected equal log-probabilities in sampling and training (" +
                      std::string(exact ? "float32: at most 1e-4" : "bfloat16: mean at most 1e-2, largest 0.1") +
                      "), found a mean difference of " + std::to_string(mean) + ", largest " + std::to_string(largest) +
                      (exact ? "" : "; hint: use train.dtype=float32"));
}

OldLogprobs::OldLogprobs(CausalLM& policy, const Rollout& rollout,
                         std::span<const std::vector<std::size_t>> mini_batches, const ForwardOptions& options,
                         WorkCounters& work)
    : rollout_(rollout),
      ranks_(options.ranks),
      first_(first_of(mini_batches)),
      logprobs_(at::zeros_like(rollout.logprobs)) {
  std::vector<std::size_t> later;
  for (const auto& mini_batch : mini_batches.subspan(1))
    later.insert(later.end(), mini_batch.begin(), mini_batch.end());
  if (later.empty()) return;
  logprobs_ = logprobs_of(policy, rollout, later, options, work);
  extra_forwards_ = static_cast<std::int64_t>(later.size());
}

at::Tensor OldLogprobs::of(const at::Tensor& rows, const at::Tensor& logprobs) {
  check_indices(rows, "rows", -1, logprobs_.size(0), logprobs_.device());
  if (recording_) check_shape(logprobs, "logprobs", {rows.size(0)});
  if (recording_) logprobs_.index_copy_(0, rows, logprobs.detach());
  return logprobs_.index_select(0, rows);
}

at::Tensor OldLogprobs::end_first_update(at::ScalarType dtype, bool must_agree) {
  recording_ = false;
  const at::Tensor rows = response_rows(rollout_, first_);
  const at::Tensor recorded = logprobs_.index_select(0, rows);  // zeros where another rank recorded
  ranks_.sum(recorded, "log-probabilities of the first update");
  logprobs_.index_copy_(0, rows, recorded);
  return compare_with_sampler(logprobs_, rollout_, rows, dtype, must_agree);
}

}  // namespace rlhf
