#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "rlhf/config/model_options.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"

namespace rlhf {

/// What a model folder says apart from its weights. Reading it touches no tensor.
struct ModelFolder {
  std::filesystem::path path;  ///< empty for a model made from nothing
  std::string config_json;     ///< config.json as it stands; saving patches only the keys that change
  ModelShape shape;
  at::ScalarType file_dtype = at::kFloat;
  bool scalar_head = false;                    ///< …ForSequenceClassification with one label
  double reward_mean = 0;                      ///< `rlhf_reward_mean` of config.json
  TokenIds eos_ids;                            ///< config.json and generation_config.json; may be a list there
  std::optional<std::int32_t> padding_is_eos;  ///< the pad id of a scalar model, where it is an EOS id too
  std::optional<std::string> prompt_template;  ///< rlhf.json, written by our tools
};

/// Throws ModelError: folder or config.json missing or broken, family not supported (named), pickled weights (with the
/// line that converts them).
ModelFolder read_model_folder(const std::filesystem::path& path);

/// The folder of a model made from nothing: config.json of a Llama with these sizes and the tokenizer's ids.
ModelFolder describe_new_model(const ModelInit& init, std::int64_t vocab_size, std::optional<std::int32_t> bos_id,
                               std::optional<std::int32_t> eos_id);

/// Loads every weight, checked by name and shape (missing, extra, misshapen: ModelError naming the tensor). Weights are
/// copied once, straight to (device, dtype). With an empty folder.path: normal(0, initializer_range) from `seed`,
/// independent of device and dtype. `requires_grad` false for models that are only run. With `allow_missing_head` an
/// output head that the folder lacks is made in the same way, with a warning that names it.
std::unique_ptr<CausalLM> load_causal_lm(const ModelFolder& folder, at::Device device, at::ScalarType dtype,
                                         bool requires_grad, std::uint64_t seed = 0, bool allow_missing_head = false);
/// From …ForSequenceClassification: trunk and score. From a causal model: its trunk and a new head, normal with
/// std 1/√(D+1) from `seed`.
ScalarModel load_scalar_model(const ModelFolder& folder, at::Device device, at::ScalarType dtype, bool requires_grad,
                              std::uint64_t seed = 0);

/// What to write beside the weights.
struct SaveOptions {
  at::ScalarType dtype = at::kFloat;                   ///< of the file
  std::string prompt_template;                         ///< goes into rlhf.json; empty: no rlhf.json
  std::string chat_template;                           ///< goes into chat_template.jinja; empty: the source's files
  std::vector<std::filesystem::path> tokenizer_files;  ///< copied as they are
  std::optional<std::int32_t> eos_id;                  ///< for config.json, where the source names other ids alone
  std::optional<std::int32_t> pad_id;                  ///< for the scalar head's config.json
};
/// Writes an HF folder atomically: config.json patched, model.safetensors, tokenizer files, generation_config.json
/// (copied), rlhf.json. `weights` are named as parameters() are (the optimizer's fp32 masters where there are any).
/// `transformers` loads it with equal logits. Throws OutputError, NumericsError.
void save_causal_lm(const ModelFolder& source, const NamedTensors& weights, const SaveOptions& options,
                    const std::filesystem::path& path);
void save_scalar_model(const ModelFolder& source, const NamedTensors& weights, double reward_mean,
                       const SaveOptions& options, const std::filesystem::path& path);

}  // namespace rlhf
