// Suggestions for unknown keys.
#include "rlhf/config/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace rlhf {
namespace {

/// Names of other libraries and old names, with the key of this library (with its section if the key alone is
/// ambiguous).
constexpr std::pair<std::string_view, std::string_view> kForeignNames[] = {
    {"actor_learning_rate", "optimizer.lr"},
    {"adam_betas", "betas"},
    {"adam_beta1", "betas"},
    {"adam_beta2", "betas"},
    {"adam_epsilon", "optimizer.eps"},
    {"base_model", "path"},
    {"beta", "kl_coef"},
    {"beta", "dpo.beta"},
    {"bf16", "dtype"},
    {"clip_range", "cliprange"},
    {"clip_ratio", "cliprange"},
    {"clip_range_value", "cliprange_value"},
    {"critic_learning_rate", "value_optimizer.lr"},
    {"cliprange_reward", "reward.clip_range"},
    {"critic_warmup", "value_warmup_steps"},
    {"critic_warmup_steps", "value_warmup_steps"},
    {"freezing_steps", "value_warmup_steps"},
    {"reward_clip_range", "reward.clip_range"},
    {"stop_strings", "rollout.stop"},
    {"early_stopping_patience", "eval.patience"},
    {"early_stopping_threshold", "eval.min_delta"},
    {"entropy_coeff", "entropy_coef"},
    {"ent_coef", "entropy_coef"},
    {"lr_warmup_steps", "warmup_steps"},
    {"metric_for_best_model", "eval.best_by"},
    {"critic_pretrain", "value"},
    {"dataset", "data.train"},
    {"eps_clip", "cliprange"},
    {"epsilon", "cliprange"},
    {"epsilon", "eps"},
    {"eval_dataset", "data.eval"},
    {"eval_steps", "eval.every_steps"},
    {"fp16", "dtype"},
    {"generate_max_len", "max_new_tokens"},
    {"gradient_accumulation_steps", "micro_batch_tokens"},
    {"gradient_clipping", "max_grad_norm"},
    {"grad_clip", "max_grad_norm"},
    {"init_kl_coef", "kl_coef"},
    {"kl_coeff", "kl_coef"},
    {"kl_target", "kl_target_nats"},
    {"lam", "gae_lambda"},
    {"lambd", "gae_lambda"},
    {"lambda", "gae_lambda"},
    {"learning_rate", "optimizer.lr"},
    {"lmbda", "gae_lambda"},
    {"loss_type", "dpo.loss"},
    {"logging_steps", "log.every_steps"},
    {"lr_scheduler", "lr_schedule"},
    {"lr_scheduler_type", "lr_schedule.kind"},
    {"lr_warmup_ratio", "warmup_share"},
    {"max_completion_length", "max_new_tokens"},
    {"max_epochs", "epochs"},
    {"max_generated_tokens", "max_new_tokens"},
    {"max_len", "max_length"},
    {"max_seq_len", "max_length"},
    {"max_seq_length", "max_length"},
    {"max_tokens", "max_new_tokens"},
    {"micro_batch_size", "micro_batch_tokens"},
    {"micro_train_batch_size", "micro_batch_tokens"},
    {"min_lr_ratio", "min_share"},
    {"mini_batches", "num_mini_batches"},
    {"missing_eos_penalty", "missing_eos_value"},
    {"model_name", "path"},
    {"model_name_or_path", "path"},
    {"n_samples_per_prompt", "num_samples_per_prompt"},
    {"num_epochs", "epochs"},
    {"num_episodes", "total_episodes"},
    {"num_generations", "num_samples_per_prompt"},
    {"num_train_epochs", "epochs"},
    {"output_dir", "train.output"},
    {"per_device_train_batch_size", "train.batch_size"},
    {"policy_model", "policy"},
    {"ppo_epochs", "num_ppo_epochs"},
    {"pretrain", "path"},
    {"prompt_data", "prompts"},
    {"prompt_max_len", "max_prompt_length"},
    {"max_prompt_len", "max_prompt_length"},
    {"ref_model", "reference"},
    {"reference_model", "reference"},
    {"repetitions", "num_samples_per_prompt"},
    {"response_length", "max_new_tokens"},
    {"reward_model", "model.reward"},
    {"reward_model_path", "model.reward"},
    {"rollout_batch_size", "rollout.batch_size"},
    {"save_steps", "checkpoint.every_steps"},
    {"save_total_limit", "keep_last"},
    {"scheduler", "lr_schedule"},
    {"sft_model_path", "policy"},
    {"torch_dtype", "dtype"},
    {"train_batch_size", "train.batch_size"},
    {"tokenizer_path", "tokenizer"},
    {"total_steps", "max_steps"},
    {"value_clip", "cliprange_value"},
    {"value_clip_range", "cliprange_value"},
    {"value_model", "value"},
    {"warmup_ratio", "warmup_share"},
    {"wd", "weight_decay"},
    {"whiten_advantage", "whiten_advantages"},
};

/// The edit distance between two words: insertions, deletions, replacements and swaps of adjacent letters.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  std::iota(d[0].begin(), d[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    d[i][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

/// Whether the dotted `path` is `key` or ends with it after a dot.
bool ends_with_key(std::string_view path, std::string_view key) {
  return path == key || (path.size() > key.size() && path.ends_with(key) && path[path.size() - key.size() - 1] == '.');
}

/// The first path that ends with one of `keys`; one inside `prefix` is preferred.
std::optional<std::string> find_key(const std::vector<std::string>& paths, const std::string& prefix,
                                    const std::vector<std::string_view>& keys) {
  for (std::string_view key : keys) {
    const auto inside = std::find(paths.begin(), paths.end(), prefix + std::string(key));
    if (inside != paths.end()) return *inside;
  }
  for (std::string_view key : keys) {
    const auto path = std::find_if(paths.begin(), paths.end(), [&](const auto& p) { return ends_with_key(p, key); });
    if (path != paths.end()) return *path;
  }
  return std::nullopt;
}

/// "data.train[]" for "data.train[2]".
std::string without_indices(const std::string& path) {
  std::string text;
  bool inside = false;
  for (const char c : path) {
    if (c == ']') inside = false;
    if (!inside) text += c;
    if (c == '[') inside = true;
  }
  return text;
}

/// Sections and leaves, dotted.
std::vector<std::string> all_paths(const Section& root) {
  std::vector<std::string> paths;
  for (const Leaf& leaf : leaves(root)) {
    for (std::size_t dot = leaf.path.find('.'); dot != std::string::npos; dot = leaf.path.find('.', dot + 1)) {
      const std::string section = leaf.path.substr(0, dot);
      if (std::find(paths.begin(), paths.end(), section) == paths.end()) paths.push_back(section);
    }
    paths.push_back(leaf.path);
  }
  return paths;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::optional<std::string> suggest_key(const Section& root, const std::string& path, const std::string& key) {
  const std::vector<std::string> paths = all_paths(root);
  const std::string prefix = path.empty() ? "" : without_indices(path) + ".";
  std::vector<std::string_view> meant;
  for (const auto& [foreign, ours] : kForeignNames) {
    if (foreign == key) meant.push_back(ours);
  }
  meant.push_back(key);
  if (const auto found = find_key(paths, prefix, meant)) return found;
  std::vector<std::string_view> siblings, endings;
  for (const std::string& other : paths) {
    const std::string_view ending = std::string_view(other).substr(other.rfind('.') + 1);
    endings.push_back(ending);
    if (other == prefix + std::string(ending)) siblings.push_back(ending);
  }
  if (const auto near = nearest(key, siblings)) return prefix + *near;
  if (const auto near = nearest(key, endings)) return find_key(paths, prefix, {*near});
  return std::nullopt;
}

}  // namespace rlhf
