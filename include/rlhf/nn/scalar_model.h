#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "rlhf/nn/causal_lm.h"

namespace rlhf {

/// A decoder with a scalar head: a reward model (read at the last token) or a value model (read at the predicting
/// rows). Errors: ShapeError and ArgumentError, also those of the decoder.
///   value_i = hidden_i · score,  score [D], no bias, as in the classification heads of `transformers`
class ScalarModel {
 public:
  /// scores() ignores tokens `padding` at the end of a sequence, like `transformers` if the pad id is EOS.
  ScalarModel(std::unique_ptr<CausalLM> trunk, at::Tensor score, double reward_mean,
              std::optional<std::int32_t> padding = std::nullopt);

  /// Values at `rows` [R] of the packed batch: [R] fp32, without subtracting the mean. Differentiable.
  at::Tensor values(const PackedBatch& batch, const at::Tensor& rows);
  /// Score of each sequence at its last token: [B] fp32, without subtracting the mean. Differentiable.
  at::Tensor scores(const PackedBatch& batch);
  /// Mean score of the texts on which the reward model was centred. Tools report and train on score − reward_mean.
  double reward_mean() const { return reward_mean_; }
  void set_reward_mean(double mean) { reward_mean_ = mean; }

  CausalLM& trunk() { return *trunk_; }
  const CausalLM& trunk() const { return *trunk_; }
  const at::Tensor& score() const { return parameters_.back().value; }
  /// The parameters of the decoder (without an untied output head), then `score.weight` [1,D].
  Parameters& parameters() { return parameters_; }

 private:
  std::unique_ptr<CausalLM> trunk_;
  Parameters parameters_;
  double reward_mean_ = 0;
  std::optional<std::int32_t> padding_;
};

}  // namespace rlhf
