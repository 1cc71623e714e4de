// Sizes, step counts and the memory forecast of a run.
#include "rlhf/train/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/process_memory.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "gradient_exchange.h"
#include "micro_batch.h"

namespace rlhf {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// A number of bytes. Products of large sizes stop at 2^59, so that sums of them fit into 64 bits.
std::int64_t bytes_of(double exact) {
  constexpr double kMost = 576460752303423488.0;
  return static_cast<std::int64_t>(std::min(exact, kMost));
}

double element_size(at::ScalarType dtype) { return static_cast<double>(c10::elementSize(dtype)); }

/// The numbers that one layer saves per token: two residual sums and their norms, rotated queries and keys, values, the
/// result of the attention, gate, up, their product, and with LibTorch's operators also the activated gate; without a
/// gate up and what is activated.
double saved_per_layer(const ModelShape& s) {
  const double heads = static_cast<double>(s.head_dim) *
                       (2 * static_cast<double>(s.num_heads) + 2 * static_cast<double>(s.num_key_value_heads));
  return 4 * static_cast<double>(s.hidden_size) + heads + (s.gated ? 4 : 2) * static_cast<double>(s.used_size());
}

std::string plural(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

double real(std::int64_t number) { return static_cast<double>(number); }

/// The number of parameters of a layer.
double of_layer(const ModelShape& s) {
  const double attention =
      real(s.hidden_size) * real(s.head_dim) * (2 * real(s.num_heads) + 2 * real(s.num_key_value_heads));
  return attention + (s.gated ? 3 : 2) * real(s.hidden_size) * real(s.intermediate_size) + 2 * real(s.hidden_size);
}

/// The number of those outside of layers: embedding, head, last norm.
double outside_layers(const ModelShape& s) {
  return real(s.vocab_size) * real(s.hidden_size) * (s.tied_head ? 1 : 2) + real(s.hidden_size);
}

/// What is said if the number of episodes is rounded up.
std::string rounding(const PpoConfig& config, std::int64_t rollouts) {
  const std::int64_t episodes = rollouts * config.rollout.batch_size, asked = config.train.total_episodes;
  if (episodes == asked) return "";
  return " (" + std::to_string(episodes) + " episodes instead of train.total_episodes = " + std::to_string(asked) +
         ", which is no multiple of rollout.batch_size = " + std::to_string(config.rollout.batch_size) + ")";
}

}  // namespace

std::int64_t MemoryForecast::total() const {
  std::int64_t sum = 0;
  for (const auto& [name, bytes] : parts) sum += bytes;
  return sum;
}

std::string MemoryForecast::summary() const {
  std::string text = binary_size(total());
  const char* separator = ": ";
  for (const auto& [name, bytes] : parts) {
    text += separator + name + " " + binary_size(bytes);
    separator = ", ";
  }
  return text;
}

std::string MemoryForecast::hint() const {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
  return "lower " + text + (text.empty() ? "" : " or ") + "the size of the model";
}

std::int64_t times(std::int64_t count, std::int64_t bytes) {
  return bytes_of(static_cast<double>(count) * static_cast<double>(bytes));
}

std::pair<std::string, std::int64_t> largest_phase(const std::vector<Phase>& phases) {
  const auto largest =
      std::max_element(phases.begin(), phases.end(), [](const Phase& a, const Phase& b) { return a.bytes < b.bytes; });
  return {largest->name, bytes_of(1.1 * static_cast<double>(largest->bytes))};
}

std::pair<std::string, std::int64_t> process_part(at::Device device) {
  constexpr std::int64_t kLater = 24 << 20;  // pages of the libraries that the first step touches
  return {"LibTorch, tokenizer and data", device.is_cpu() ? resident_memory() + kLater : 0};
}

bool lends_whole(const MemoryForecast& forecast, const MemoryLimit& available) {
  return forecast.total() + forecast.lent_whole <= available.bytes;
}

void add_lent(MemoryForecast& forecast, bool whole) {
  if (forecast.lent_whole == 0) return;
  forecast.parts.emplace_back(
      whole ? "all weights of a model, for passes without gradients" : "weights of a few layers of a model",
      whole ? forecast.lent_whole : forecast.lent_layers);
}

void check_memory(const MemoryForecast& forecast, const MemoryLimit& available, bool refuse) {
  if (forecast.total() <= available.bytes) return;
  const std::string message = "memory: expected at most " + binary_size(available.bytes) + " (" + available.source +
                              "), found a forecast of " + forecast.summary() + "; hint: " + forecast.hint();
  if (refuse) throw DeviceError(message + ", or run anyway with train.check_memory=false");
  log_warning(message);
}

std::int64_t count_parameters(const ModelShape& shape) {
  return bytes_of(outside_layers(shape) + static_cast<double>(shape.num_layers) * of_layer(shape));
}

std::int64_t activation_bytes_per_token(const ModelShape& s, at::ScalarType dtype, bool recompute) {
  const double layers = static_cast<double>(s.num_layers), hidden = static_cast<double>(s.hidden_size);
  // The last layer, the one that runs again, and what the allocator kept of another.
  const double saved = recompute ? layers * 2 * hidden + 3 * saved_per_layer(s) : layers * saved_per_layer(s);
  return bytes_of((saved + 4 * hidden) * element_size(dtype));
}

std::int64_t forward_bytes_per_token(const ModelShape& s) {
  // The tensors of one layer. Kernels and libraries compute in float32 for every dtype.
  return bytes_of((saved_per_layer(s) + 4 * static_cast<double>(s.hidden_size)) * element_size(at::kFloat));
}

std::int64_t logits_bytes(const ModelShape& s, at::ScalarType dtype, std::int64_t rows, bool trained) {
  const double elements = std::min(static_cast<double>(LogprobOptions().chunk_elements),
                                   static_cast<double>(rows) * static_cast<double>(s.vocab_size));
  return bytes_of(elements * element_size(dtype) * (trained ? 2 : 1));
}

std::int64_t kv_cache_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t tokens) {
  return bytes_of(2 * static_cast<double>(shape.num_layers) * static_cast<double>(tokens) *
                  static_cast<double>(shape.num_key_value_heads) * static_cast<double>(shape.head_dim) *
                  element_size(dtype));
}

std::int64_t weight_bytes(std::int64_t count, at::ScalarType dtype) {
  return bytes_of(static_cast<double>(count) * element_size(dtype));
}

std::int64_t training_bytes(std::int64_t count, at::ScalarType dtype, MomentDtype moments, StateShards shards) {
  const double gradient = 4, master = dtype == at::kFloat ? 0 : 4;
  const double both_moments = moments == MomentDtype::int8 ? 2 + 2 * 4.0 / 256 : 2 * 4;
  return bytes_of(static_cast<double>(count) * (gradient / shards.gradients + (master + both_moments) / shards.states));
}

std::int64_t ModelMemory::weights(const ModelFolder& folder, bool trained) {
  const bool shares = folder.adapter || !trained;
  const std::filesystem::path base_folder = folder.path.empty() ? "" : folder.base_identity();
  const bool on_host = offloads_ && !trained && !shared_.contains(base_folder);
  const bool there = shares && !folder.path.empty() && !on_host && !shared_.insert(base_folder).second;
  const ModelShape& shape = folder.shape;
  const std::int64_t whole = weight_bytes(count_parameters(shape), dtype_);
  if (shards_.weights > 1 || on_host) {
    lent_whole_ = std::max(lent_whole_, whole);
    lent_layers_ = std::max(lent_layers_, weight_bytes(bytes_of(outside_layers(shape) + 2 * of_layer(shape)), dtype_));
  }
  const std::int64_t base = there || on_host ? 0 : whole / shards_.weights;
  return base + (folder.adapter ? weight_bytes(count_adapter_parameters(folder), dtype_) : 0);
}

std::int64_t ModelMemory::training(const ModelFolder& folder, const OptimizerOptions& optimizer) const {
  const std::int64_t count = folder.adapter ? count_adapter_parameters(folder) : count_parameters(folder.shape);
  const std::int64_t state = training_bytes(count, dtype_, optimizer.moments, shards_);
  if (shards_.states == 1) return state;
  // Two buckets, or smaller ones of as many bytes, are received, and with divided gradients also sent, and another one
  // is filled.
  const std::int64_t held = shards_.gradients > 1 ? 5 : 2;
  const std::int64_t embedding = folder.adapter ? 0 : 4 * folder.shape.vocab_size * folder.shape.hidden_size;
  const std::int64_t layer = shards_.weights > 1 && !folder.adapter ? bytes_of(4 * of_layer(folder.shape)) : 0;
  return state + std::min(times(held, std::max({kMostBytesUnderWay / 2, embedding, layer})), times(2, times(4, count)));
}

void ModelMemory::add_lent(MemoryForecast& forecast) const {
  forecast.lent_whole = lent_whole_;
  forecast.lent_layers = lent_layers_;
}

std::int64_t derive_micro_batch_tokens(const ModelShape& shape, at::ScalarType dtype, std::int64_t resident,
                                       std::int64_t installed, std::int64_t longest, bool on_gpu, bool recompute) {
  const std::int64_t per_token = activation_bytes_per_token(shape, dtype, recompute);
  check_argument(per_token > 0, "shape", "the sizes of a model", "zeros");
  return fit_micro_batch(per_token, installed - resident, longest, on_gpu ? kGpuCap : kCpuCap);
}

SupervisedPlan plan_supervised(const TrainOptions& train, std::int64_t num_samples, std::int64_t micro_batch_tokens) {
  check_argument(train.batch_size >= 1, "train.batch_size", "at least 1", train.batch_size);
  check_argument(num_samples >= 1, "num_samples", "at least 1", num_samples);
  SupervisedPlan plan;
  plan.num_samples = num_samples;
  plan.batch_size = train.batch_size;
  plan.steps_per_epoch = ceil_div(num_samples, train.batch_size);
  plan.total_steps = train.max_steps.value_or(
      std::max<std::int64_t>(1, std::llround(train.epochs * static_cast<double>(plan.steps_per_epoch))));
  plan.micro_batch_tokens = micro_batch_tokens;
  return plan;
}

std::string SupervisedPlan::summary(const std::string& samples) const {
  char epochs[32];
  std::snprintf(epochs, sizeof epochs, "%.3g", static_cast<double>(total_steps) / static_cast<double>(steps_per_epoch));
  return std::to_string(num_samples) + " " + samples + " → " + plural(total_steps, "step", "steps") + " of " +
         std::to_string(batch_size) + " (" + epochs + (total_steps == steps_per_epoch ? " epoch" : " epochs") +
         "), micro-batches of at most " + std::to_string(micro_batch_tokens) + " tokens";
}

std::int64_t count_rollouts(const PpoTrainOptions& train, const RolloutOptions& rollout) {
  return ceil_div(train.total_episodes, rollout.batch_size);
}

PpoPlan plan_ppo(const PpoConfig& config, std::int64_t micro_batch_tokens) {
  const auto exact = [](std::int64_t a, std::int64_t b) {
    check_argument(b > 0 && a % b == 0, "plan", "a multiple of " + std::to_string(b), a);
    return a / b;
  };
  PpoPlan plan;
  plan.rollouts = count_rollouts(config.train, config.rollout);
  plan.sequences_per_mini_batch = exact(config.rollout.batch_size, config.ppo.num_mini_batches);
  plan.updates_per_rollout = config.ppo.num_ppo_epochs * config.ppo.num_mini_batches;
  plan.micro_batch_tokens = micro_batch_tokens;
  return plan;
}

std::string PpoPlan::summary(const PpoConfig& config, std::int64_t mean_tokens) const {
  const std::int64_t micro_batches = ceil_div(sequences_per_mini_batch * mean_tokens, micro_batch_tokens);
  return plural(config.rollout.batch_size, "rollout", "rollouts") + " → " +
         plural(config.ppo.num_ppo_epochs, "epoch", "epochs") + " × " +
         plural(config.ppo.num_mini_batches, "mini-batch", "mini-batches") + " × " +
         plural(micro_batches, "micro-batch", "micro-batches") + " = " +
         plural(updates_per_rollout, "policy update", "policy updates") + ", " + plural(rollouts, "time", "times") +
         rounding(config, rollouts);
}

}  // namespace rlhf
