// Sizes, step counts and the memory forecast of a run.
#include "rlhf/train/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rlhf/core/check.h"

namespace rlhf {

namespace {

constexpr std::int64_t kCpuCap = 8192;   // larger micro-batches are not faster on a CPU
constexpr std::int64_t kGpuCap = 65536;  // larger micro-batches are not faster on a GPU
constexpr std::int64_t kRounding = 256;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::string binary_size(std::int64_t bytes) {
  const bool large = bytes >= (1LL << 30);
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", static_cast<double>(bytes) / (large ? 1LL << 30 : 1LL << 20),
                large ? "GiB" : "MiB");
  return text;
}

std::string plural(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
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

std::int64_t count_parameters(const ModelShape& s) {
  const std::int64_t attention = s.hidden_size * s.head_dim * (2 * s.num_heads + 2 * s.num_key_value_heads);
  const std::int64_t layer = attention + 3 * s.hidden_size * s.intermediate_size + 2 * s.hidden_size;
  return s.vocab_size * s.hidden_size * (s.tied_head ? 1 : 2) + s.num_layers * layer + s.hidden_size;
}

std::int64_t activation_bytes_per_token(const ModelShape& s, at::ScalarType dtype) {
  // Saved per layer: two residual sums and their norms, rotated queries and keys, values, the result of the attention,
  // gate, up, their product, and with LibTorch's operators also the activated gate.
  const std::int64_t heads = s.head_dim * (2 * s.num_heads + 2 * s.num_key_value_heads);
  const std::int64_t layer = 4 * s.hidden_size + heads + 4 * s.intermediate_size;
  return (s.num_layers * layer + 4 * s.hidden_size) * static_cast<std::int64_t>(c10::elementSize(dtype));
}

std::int64_t kv_cache_bytes(const ModelShape& shape, at::ScalarType dtype, std::int64_t tokens) {
  return 2 * shape.num_layers * tokens * shape.num_key_value_heads * shape.head_dim *
         static_cast<std::int64_t>(c10::elementSize(dtype));
}

std::int64_t model_bytes(const ModelShape& shape, at::ScalarType dtype, bool trained) {
  const auto element = static_cast<std::int64_t>(c10::elementSize(dtype));
  const std::int64_t training = trained ? 3 * 4 + (dtype == at::kFloat ? 0 : 4) : 0;
  return count_parameters(shape) * (element + training);
}

std::int64_t derive_micro_batch_tokens(const ModelShape& shape, at::ScalarType dtype, std::int64_t resident,
                                       std::int64_t installed, std::int64_t longest, bool on_gpu) {
  const std::int64_t room = std::max<std::int64_t>(0, installed - resident) / 4;
  const std::int64_t fitting = room / activation_bytes_per_token(shape, dtype);
  const std::int64_t capped = std::min(fitting, on_gpu ? kGpuCap : kCpuCap) / kRounding * kRounding;
  return std::max(capped, longest);
}

SupervisedPlan plan_supervised(const TrainOptions& train, std::int64_t num_samples, std::int64_t micro_batch_tokens) {
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

PpoPlan plan_ppo(const PpoConfig& config, std::int64_t micro_batch_tokens) {
  const auto exact = [](std::int64_t a, std::int64_t b) {
    RLHF_CHECK(b > 0 && a % b == 0, a, " is not a multiple of ", b);
    return a / b;
  };
  PpoPlan plan;
  plan.rollouts = exact(config.train.total_episodes, config.rollout.batch_size);
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
         plural(updates_per_rollout, "policy update", "policy updates") + ", " + plural(rollouts, "time", "times");
}

}  // namespace rlhf
