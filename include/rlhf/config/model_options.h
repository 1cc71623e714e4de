#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/describe.h"
#include "rlhf/config/lora_options.h"

namespace rlhf {

/// Sizes of a new Llama. The vocabulary size comes from the tokenizer.
struct ModelInit {
  std::int64_t hidden_size = 64;
  std::int64_t intermediate_size = 176;
  std::int64_t num_hidden_layers = 2;
  std::int64_t num_attention_heads = 4;
  std::int64_t num_key_value_heads = 4;
  std::int64_t max_position_embeddings = 1024;
  double rope_theta = 10000.0;
  double rms_norm_eps = 1e-5;
  double initializer_range = 0.02;
  bool tie_word_embeddings = true;
};
constexpr auto describe(const ModelInit*) {
  using C = ModelInit;
  return std::make_tuple(
      field<&C::hidden_size>("width D", at_least(1)),
      field<&C::intermediate_size>("width of the feed-forward layer", at_least(1)),
      field<&C::num_hidden_layers>("layers", at_least(1)),
      field<&C::num_attention_heads>("query heads; must divide hidden_size", at_least(1)),
      field<&C::num_key_value_heads>("key and value heads; must divide num_attention_heads", at_least(1)),
      field<&C::max_position_embeddings>("longest sequence of the model, in tokens", at_least(1)),
      field<&C::rope_theta>("base of the rotary frequencies", more_than(0.0)),
      field<&C::rms_norm_eps>("epsilon of the norms", more_than(0.0)),
      field<&C::initializer_range>("standard deviation of the initial weights", more_than(0.0)),
      field<&C::tie_word_embeddings>("use the embedding as the output head"));
}

namespace detail {

inline constexpr const char* kOffloadDoc =
    "keep models that are not trained (reference, reward models) in the memory of the host, and on the GPU only while "
    "they are used; without effect on a CPU, and on models that share their weights with one that is trained";
inline constexpr const char* kLoraDoc =
    "train low-rank adapters instead of the weights, and save them as a folder of PEFT; if the model is already the "
    "folder of an adapter, omit this section to train that adapter further";

}  // namespace detail

/// Section `model` of rlhf-sft, rlhf-rm and rlhf-dpo.
struct ModelOptions {
  std::string path;
  std::optional<ModelInit> init;
  std::string tokenizer;
  std::vector<std::string> add_tokens;
  std::string eos_token;
  bool allow_missing_head = false;
  std::optional<LoraOptions> lora;
};
constexpr auto describe(const ModelOptions*) {
  using C = ModelOptions;
  return std::make_tuple(
      field<&C::path>("initial model: a Hugging Face folder, or the id of a model in the local cache").path(),
      field<&C::init>("create a Llama of these sizes with random weights, instead of `path`"),
      field<&C::tokenizer>("folder or .model file of the tokenizer; default: the model folder").path(),
      field<&C::add_tokens>(
          "special tokens to add to the tokenizer, if it does not have them; where the embedding has no free row, it "
          "and the output head grow, and new rows start as the mean of the others"),
      field<&C::eos_token>("token that ends responses and becomes the EOS of the saved tokenizer, for example "
                           "<|im_end|>; default: the EOS of the tokenizer. The token that ends a turn of the chat "
                           "template ends responses too"),
      field<&C::allow_missing_head>(
          "if the folder has no output head, create one with random weights from train.seed (rlhf-rm needs none)"),
      field<&C::lora>(detail::kLoraDoc));
}

/// Section `model` of an on-policy method without a value model.
struct OnPolicyModelOptions {
  std::string policy;
  std::string reward;
  std::string reference;
  std::vector<std::string> reward_ensemble;
  std::string eval_reward;
  std::optional<LoraOptions> lora;
  bool offload = false;
};
constexpr auto describe(const OnPolicyModelOptions*) {
  using C = OnPolicyModelOptions;
  return std::make_tuple(
      field<&C::policy>("initial policy: a model folder, or the id of a model in the local cache").path(),
      field<&C::reward>("folder of the reward model").path(),
      field<&C::reference>("folder of the reference; default: the initial policy").path(),
      field<&C::reward_ensemble>("folders of further reward models; the score is then the mean of all of them").path(),
      field<&C::eval_reward>("folder of a held-out reward model, which only scores evaluations: it shows whether the "
                             "policy improves, or only exploits the reward that it is trained on")
          .path(),
      field<&C::lora>(detail::kLoraDoc), field<&C::offload>(detail::kOffloadDoc).may_change());
}

/// Section `model` of rlhf-ppo.
struct PpoModelOptions {
  std::string policy;
  std::string reward;
  std::string value;
  std::string reference;
  std::vector<std::string> reward_ensemble;
  std::string eval_reward;
  std::optional<LoraOptions> lora;
  bool shared_trunk = false;
  bool offload = false;
};
/// The models that every on-policy method has.
inline OnPolicyModelOptions on_policy_models(const PpoModelOptions& model) {
  return {model.policy,      model.reward, model.reference, model.reward_ensemble,
          model.eval_reward, model.lora,   model.offload};
}
constexpr auto describe(const PpoModelOptions*) {
  using C = PpoModelOptions;
  return std::make_tuple(
      field<&C::policy>("initial policy: a model folder, or the id of a model in the local cache").path(),
      field<&C::reward>("folder of the reward model").path(),
      field<&C::value>("folder of the initial value model; default: the reward model").path(),
      field<&C::reference>("folder of the reference; default: the initial policy").path(),
      field<&C::reward_ensemble>("folders of further reward models; the score is then the mean of all of them").path(),
      field<&C::eval_reward>("folder of a held-out reward model, which only scores evaluations: it shows whether the "
                             "policy improves, or only exploits the reward that it is trained on")
          .path(),
      field<&C::lora>(detail::kLoraDoc),
      field<&C::shared_trunk>(
          "require that all models of the run (policy, reference, value model, reward model and its ensemble, "
          "eval_reward) are adapters of one base model, whose weights are then loaded once; without it, models of the "
          "same base share it too"),
      field<&C::offload>(detail::kOffloadDoc).may_change());
}

}  // namespace rlhf
