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

/// The number of parameters of a decoder of this shape; a tied head counts once.
std::int64_t count_parameters(const ModelShape& shape);
/// The number of bytes per token that a decoder of this shape saves for the backward pass.
std::int64_t activation_bytes_per_token(const ModelShape& shape, at::ScalarType dtype);
/// The size in bytes of the keys and values of `tokens` tokens.
std::int64_t kv_cache_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t tokens);
/// The size in bytes of the weights and, if the model is trained, of masters (if the compute dtype is not float32), two
/// moments and gradients.
std::int64_t model_bytes(const ModelShape& shape, at::ScalarType dtype, bool trained);

/// The number of tokens of a micro-batch for which a quarter of the installed memory, after `resident` bytes of models,
/// is enough: at least `longest` (a sequence is never split), and at most a cap above which nothing gets faster.
/// Depends only on the arguments.
std::int64_t derive_micro_batch_tokens(const ModelShape& shape, at::ScalarType dtype, std::int64_t resident,
                                       std::int64_t installed, std::int64_t longest, bool on_gpu);

/// The plan of rlhf-sft and rlhf-rm.
struct SupervisedPlan {
  std::int64_t num_samples = 0, steps_per_epoch = 0, total_steps = 0;
  std::int64_t batch_size = 0, micro_batch_tokens = 0;
  /// "7473 samples, 234 steps of 32 (1 epoch), micro-batches of at most 8192 tokens"
  std::string summary(const std::string& samples) const;
};
SupervisedPlan plan_supervised(const TrainOptions& train, std::int64_t num_samples, std::int64_t micro_batch_tokens);

/// The plan of rlhf-ppo. All divisions are exact, because validate(PpoConfig) refuses other configs.
struct PpoPlan {
  std::int64_t rollouts = 0, sequences_per_mini_batch = 0, updates_per_rollout = 0, micro_batch_tokens = 0;
  /// "64 rollouts → 4 epochs × 1 mini-batch × 3 micro-batches = 4 policy updates, 160 times"
  std::string summary(const PpoConfig& config, std::int64_t mean_tokens) const;
};
PpoPlan plan_ppo(const PpoConfig& config, std::int64_t micro_batch_tokens);

}  // namespace rlhf
