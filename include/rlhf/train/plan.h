#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/config/train_options.h"
#include "rlhf/core/memory.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"

namespace rlhf {

/// What follows from the config, the data and the model: the numbers the loops run on. Printed before the first step.

/// The peak memory of a run by purpose, in bytes: a forecast from shapes and counts. On a CPU it is that of the whole
/// process.
struct MemoryForecast {
  std::vector<std::pair<std::string, std::int64_t>> parts;
  std::vector<std::string> keys;  ///< the keys of the config that lower it, for messages
  /// With divided weights: those of the largest model that a rank has at once, all layers or layer by layer, which
  /// add_lent() makes a part.
  std::int64_t lent_whole = 0, lent_layers = 0;
  std::int64_t total() const;
  /// "1.9 GiB: weights 410.2 MiB, masters, moments, gradients 1.2 GiB, …"
  std::string summary() const;
  /// "lower train.micro_batch_tokens, … or the size of the model"
  std::string hint() const;
};

/// count · bytes, but at most 2^59, so that sums of forecasts of any sizes fit into 64 bits.
std::int64_t times(std::int64_t count, std::int64_t bytes);

/// The memory of one phase of a run (a rollout, an update, …). Phases follow each other, so the largest one counts.
struct Phase {
  std::string name;
  std::int64_t bytes = 0;
};
/// The largest phase as a part of a forecast. On a CPU, a tenth more: freed blocks of one phase do not always fit the
/// next one.
std::pair<std::string, std::int64_t> largest_phase(const std::vector<Phase>& phases);

/// The part of a forecast for what the process has before it loads weights (LibTorch, tokenizer, data), measured now;
/// 0 on a GPU.
std::pair<std::string, std::int64_t> process_part(at::Device device);

/// Chooses whether the layers of divided weights are all lent at once (WeightKeeping::whole), which is faster: if there
/// is memory for it. Then add_lent() adds what that needs to the forecast.
bool lends_whole(const MemoryForecast& forecast, const MemoryLimit& available);
void add_lent(MemoryForecast& forecast, bool whole);

/// Compares the forecast with `available`. Throws DeviceError if it is larger, with its parts and the keys that lower
/// it, or logs that as a warning if `refuse` is false.
void check_memory(const MemoryForecast& forecast, const MemoryLimit& available, bool refuse);

/// The number of parameters of a decoder of this shape; a tied head counts once.
std::int64_t count_parameters(const ModelShape& shape);
/// The number of bytes per token that a decoder of this shape saves for the backward pass, or, with `recompute`, the
/// inputs of all layers and the rest of a few.
std::int64_t activation_bytes_per_token(const ModelShape& shape, at::ScalarType dtype, bool recompute = false);
/// The number of bytes per token that a forward pass without gradients needs.
std::int64_t forward_bytes_per_token(const ModelShape& shape);
/// The size in bytes of the logits of `rows` rows, which are computed in chunks, with their gradient if `trained`.
std::int64_t logits_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t rows, bool trained);
/// The size in bytes of the keys and values of `tokens` tokens.
std::int64_t kv_cache_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t tokens);
/// The size in bytes of `count` weights.
std::int64_t weight_bytes(std::int64_t count, at::ScalarType dtype);
/// The size in bytes of the training state of `count` weights: masters (if the compute dtype is not float32), two
/// moments and gradients. With `shards`, those of one of the ranks among which they are divided (train.shard).
struct StateShards {
  int states = 1, gradients = 1, weights = 1;  ///< masters and moments; gradients; weights, also of frozen models
};
std::int64_t training_bytes(std::int64_t count, at::ScalarType dtype, MomentDtype moments = MomentDtype::float32,
                            StateShards shards = {});

/// Counts the memory of models that share frozen weights as SharedTrunks does.
class ModelMemory {
 public:
  /// `offloads`: the weights of models that are not trained are on the host.
  explicit ModelMemory(at::ScalarType dtype, StateShards shards = {}, bool offloads = false)
      : dtype_(dtype), shards_(shards), offloads_(offloads) {}
  /// The bytes of the weights of one more model that are not there yet.
  std::int64_t weights(const ModelFolder& folder, bool trained);
  /// The bytes of its training state: that of the adapter, if there is one. With divided gradients also what is held of
  /// them while they are exchanged.
  std::int64_t training(const ModelFolder& folder, const OptimizerOptions& optimizer) const;
  /// Sets what is lent of the weights of these models.
  void add_lent(MemoryForecast& forecast) const;

 private:
  at::ScalarType dtype_;
  StateShards shards_;
  bool offloads_;
  std::set<std::filesystem::path> shared_;
  std::int64_t lent_whole_ = 0, lent_layers_ = 0;
};

/// The number of tokens of a micro-batch for which a quarter of the installed memory, after `resident` bytes of models,
/// is enough: at least `longest` (a sequence is never split), and at most a cap above which nothing gets faster.
/// Depends only on the arguments.
std::int64_t derive_micro_batch_tokens(const ModelShape& shape, at::ScalarType dtype, std::int64_t resident,
                                       std::int64_t installed, std::int64_t longest, bool on_gpu,
                                       bool recompute = false);

/// The plan of a stage that trains on samples from files.
struct SupervisedPlan {
  std::int64_t num_samples = 0, steps_per_epoch = 0, total_steps = 0;
  std::int64_t batch_size = 0, micro_batch_tokens = 0;
  /// "7473 samples, 234 steps of 32 (1 epoch), micro-batches of at most 8192 tokens"
  std::string summary(const std::string& samples) const;
};
SupervisedPlan plan_supervised(const TrainOptions& train, std::int64_t num_samples, std::int64_t micro_batch_tokens);

/// The number of rollouts of an on-policy run: total_episodes / batch_size, rounded up.
std::int64_t count_rollouts(const PpoTrainOptions& train, const RolloutOptions& rollout);

/// The plan of rlhf-ppo.
struct PpoPlan {
  std::int64_t rollouts = 0, sequences_per_mini_batch = 0, updates_per_rollout = 0, micro_batch_tokens = 0;
  /// "64 rollouts → 4 epochs × 1 mini-batch × 3 micro-batches = 4 policy updates, 160 times", and if the number of
  /// episodes was rounded up: "(128 episodes instead of train.total_episodes = 100, because …)"
  std::string summary(const PpoConfig& config, std::int64_t mean_tokens) const;
};
PpoPlan plan_ppo(const PpoConfig& config, std::int64_t micro_batch_tokens);

}  // namespace rlhf
