#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/config/ppo_config.h"
#include "rlhf/config/train_options.h"
#include "rlhf/nn/causal_lm.h"

namespace rlhf {

/// What follows from the config, the data and the model: the numbers the loops run on. Printed before the first step.

/// Memory by purpose, in bytes. A forecast from shapes, not a measurement.
struct MemoryForecast {
  std::vector<std::pair<std::string, std::int64_t>> parts;
  std::int64_t total() const;
  /// "1.9 GiB: weights 410.2 MiB, masters, moments, gradients 1.2 GiB, …"
  std::string summary() const;
};

/// Parameters of a decoder of this shape, the head counted once when it is tied.
std::int64_t count_parameters(const ModelShape& shape);
/// Bytes that the backward of one token keeps alive in a decoder of this shape.
std::int64_t activation_bytes_per_token(const ModelShape& shape, at::ScalarType dtype);
/// Keys and values of `tokens` tokens.
std::int64_t kv_cache_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t tokens);
/// Weights, and for a trained model also masters (where the compute type is not float32), two moments, gradients.
std::int64_t model_bytes(const ModelShape& shape, at::ScalarType dtype, bool trained);

/// Tokens of one backward: a quarter of the installed memory after `resident` bytes of models, between `longest` (a
/// sequence is never split) and a cap past which nothing gets faster. A function of shape and installed memory alone.
std::int64_t derive_micro_batch_tokens(const ModelShape& shape, at::ScalarType dtype, std::int64_t resident,
                                       std::int64_t installed, std::int64_t longest, bool on_gpu);

/// rlhf-sft and rlhf-rm.
struct SupervisedPlan {
  std::int64_t num_samples = 0, steps_per_epoch = 0, total_steps = 0;
  std::int64_t batch_size = 0, micro_batch_tokens = 0;
  /// "7473 samples, 234 steps of 32 (1 epoch), micro-batches of at most 8192 tokens"
  std::string summary(const std::string& samples) const;
};
SupervisedPlan plan_supervised(const TrainOptions& train, std::int64_t num_samples, std::int64_t micro_batch_tokens);

/// rlhf-ppo. All divisions are exact; validate(PpoConfig) has refused the others.
struct PpoPlan {
  std::int64_t rollouts = 0, sequences_per_mini_batch = 0, updates_per_rollout = 0, micro_batch_tokens = 0;
  /// "64 rollouts → 4 epochs × 1 mini-batch × 3 micro-batches = 4 policy updates, 160 times"
  std::string summary(const PpoConfig& config, std::int64_t mean_tokens) const;
};
PpoPlan plan_ppo(const PpoConfig& config, std::int64_t micro_batch_tokens);

}  // namespace rlhf
