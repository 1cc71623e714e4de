#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "rlhf/config/model_options.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/adapter.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/nn/side_files.h"

namespace rlhf {

/// The content of a model folder except its weights. Reading it loads no tensor. The folder of an adapter stands for
/// its base model with this adapter.
struct ModelFolder {
  std::filesystem::path path;          ///< empty for a new model
  std::filesystem::path base;          ///< where the weights and config.json are: `path`, or the adapter's base model
  std::string config_json;             ///< the text of config.json; saving changes only the keys that must change
  std::string generation_config_json;  ///< the text of generation_config.json, or ""
  ModelShape shape;
  std::int64_t stored_rows = 0;  ///< the rows of embedding and head in the files, if grow_vocabulary() added some
  at::ScalarType file_dtype = at::kFloat;
  bool scalar_head = false;                  ///< …ForSequenceClassification with one label
  double reward_mean = 0;                    ///< `rlhf_reward_mean` of config.json
  std::optional<double> reward_temperature;  ///< `rlhf_reward_temperature` of config.json; nothing scales scores by it
  TokenIds eos_ids;                          ///< all EOS ids of config.json and generation_config.json
  std::optional<std::int32_t> padding_is_eos;  ///< the pad id of a scalar model, if it is also an EOS id
  std::optional<std::string> prompt_template;  ///< from rlhf.json, which this library writes
  std::optional<Adapter> adapter;              ///< of the folder, or a new one
  bool base_has_score = false;                 ///< scalar_head, but of the model without the adapter

  /// `base` without links and relative parts: the same for all models of the same weights.
  std::filesystem::path base_identity() const;
  /// The folder of the tokenizer: `path`, or `base` if the adapter's folder has no tokenizer.
  std::filesystem::path tokenizer_path() const;
  /// The dtype of weights that are saved: that of the file; float32 for new models and adapters.
  at::ScalarType saved_dtype() const { return path.empty() || adapter ? at::kFloat : file_dtype; }
};

/// Reads the folder of a model, or of an adapter and its base model. Throws ModelError if the folder or config.json is
/// missing or broken, if the family is not supported (the message names it), or if the weights are pickled (the message
/// has the command that converts them).
ModelFolder read_model_folder(const std::filesystem::path& path);

/// Gives the model a new adapter, to train instead of its weights. Throws ConfigError if no linear layer has the name
/// of a target.
void add_adapter(ModelFolder& folder, const LoraOptions& options);
/// The number of elements of the folder's adapter.
std::int64_t count_adapter_parameters(const ModelFolder& folder);

/// Writes the temperature into config.json, or rlhf.json of an adapter, atomically; all else stays. A model that is
/// trained from this one does not inherit it. Returns the file. Throws ModelError and OutputError.
std::filesystem::path keep_reward_temperature(const std::filesystem::path& folder, double temperature);

/// Describes a new Llama with these sizes and the ids of the tokenizer.
ModelFolder describe_new_model(const ModelInit& init, std::int64_t vocab_size, std::optional<std::int32_t> bos_id,
                               std::optional<std::int32_t> eos_id);

/// Gives the model `vocab_size` ids, if it has fewer: in config.json, and with new rows of embedding and output head
/// when it is loaded. A new row is the mean of the rows in the file, in float32, so a new token is at first as likely
/// as an average one. (transformers draws its new rows from a very narrow normal distribution around this mean.)
void grow_vocabulary(ModelFolder& folder, std::int64_t vocab_size);

/// Loads a language model. Weights are copied once, directly to (device, dtype). Throws ModelError, with the name of
/// the tensor, if a tensor is missing, unexpected or of the wrong shape. If folder.path is empty, weights are drawn
/// from normal(0, initializer_range) with `seed`, independently of device and dtype. `requires_grad` should be false
/// for models that are not trained; then an adapter is merged into the weights, otherwise it alone is trained. With
/// `allow_missing_head`, a missing output head is drawn in the same way, and a warning names it. `keeping`: of all
/// weights but those of an adapter that is trained; no more than those of one layer are then whole at a time.
std::unique_ptr<CausalLM> load_causal_lm(const ModelFolder& folder, at::Device device, at::ScalarType dtype,
                                         bool requires_grad, std::uint64_t seed = 0, bool allow_missing_head = false,
                                         const WeightKeeping& keeping = {});
/// Loads a model with a scalar head: the decoder and head of a …ForSequenceClassification folder, or the decoder of a
/// language model with a new head, drawn from normal(0, 1/√(D+1)) with `seed`. The head is always whole.
ScalarModel load_scalar_model(const ModelFolder& folder, at::Device device, at::ScalarType dtype, bool requires_grad,
                              std::uint64_t seed = 0, const WeightKeeping& keeping = {});

/// What to write in addition to the weights.
struct SaveOptions {
  at::ScalarType dtype = at::kFloat;  ///< dtype of the file
  std::string prompt_template;        ///< for rlhf.json; if empty, rlhf.json is not written
  SideFiles tokenizer_files;          ///< read_side_files(Tokenizer::files())
  /// The ids that end a response. If they are not those of the source, config.json and generation_config.json get them
  /// as `eos_token_id`. Empty: the source's.
  TokenIds stop_ids;
  std::optional<std::int32_t> pad_id;  ///< for config.json of a scalar model
};
/// Writes a Hugging Face folder atomically: config.json with the necessary changes, model.safetensors, tokenizer files,
/// generation_config.json as it was read, and rlhf.json. Reads no file of the source. `weights` have the names of
/// parameters(); pass the fp32 masters of the optimizer if there are any. `transformers` computes the same logits from
/// the folder. If the source has an adapter, `weights` are those of the adapter, and the folder is that of an adapter.
/// Throws OutputError and NumericsError.
void save_causal_lm(const ModelFolder& source, const TensorStream& weights, const SaveOptions& options,
                    const std::filesystem::path& path);
void save_scalar_model(const ModelFolder& source, const TensorStream& weights, double reward_mean,
                       const SaveOptions& options, const std::filesystem::path& path);

}  // namespace rlhf
