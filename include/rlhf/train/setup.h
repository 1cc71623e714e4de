#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "rlhf/config/cluster.h"
#include "rlhf/data/templates.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/records.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"
#include "rlhf/train/plan.h"

namespace rlhf {

/// The head of a model that is saved.
enum class SavedHead : std::uint8_t { language, scalar };

/// What a method needs to read its data: device and dtype, and the folder, tokenizer and templates of the model that is
/// trained (of the policy in an on-policy method).
struct Setup {
  std::shared_ptr<const Ranks> ranks = std::make_shared<const Ranks>();
  Sharding sharding = Sharding::none;  ///< train.shard
  StateShards state_shards() const;
  bool lends_whole = true;  ///< of divided weights, all layers are there at once in passes without gradients
  /// Of the weights of all models.
  WeightKeeping keeping() const;
  /// The ranks among which the memory of the device is divided: those of the machine, or on a GPU this one.
  int sharers_of_memory() const;
  Compute compute;
  ModelFolder folder;
  std::unique_ptr<Tokenizer> tokenizer;
  SideFiles tokenizer_files;                                      ///< as they were at the start of the run
  std::shared_ptr<const std::filesystem::path> tokenizer_folder;  ///< a temporary one, if the config changes tokens
  Templates templates;
  std::string chat_file;  ///< data.chat_template, if it is a file
  /// train.micro_batch_tokens, or the size in the checkpoint from which the run resumes, or nullopt.
  std::optional<std::int64_t> micro_batch_tokens;
  std::optional<Cluster> cluster;  ///< RunOptions::cluster; `compute` is then not that of this machine
  bool dry_run = false;            ///< RunOptions::dry_run; nothing starts, so plans leave out MethodPlan::inputs
  bool accept_differences = false;
  bool recompute = false;             ///< train.recompute
  std::optional<double> router_loss;  ///< train.router_aux_loss_coef

  /// Gives a model that is trained the options of section `train`.
  void prepare_to_train(CausalLM& model) const;
  /// The number of tokens of a micro-batch: `micro_batch_tokens`, or a size derived from the memory after `resident`
  /// bytes of models (train/plan.h). At least `longest`, the size of a sequence or sample that cannot be split.
  std::int64_t choose_micro_batch_tokens(std::int64_t resident, std::int64_t longest) const;
  /// What a saved model folder contains besides weights: the prompt template if `with_template` is true or the folder
  /// had one, the chat template if the run read messages, the ids that end a response, and for a scalar head a pad
  /// token, the same in config.json and in the files of the tokenizer.
  SaveOptions save_options(const RecordCounts& counts, bool with_template, SavedHead head = SavedHead::language) const;
};

/// Throws ModelError if `folder`, the value of `key`, is that of a reward or value model.
void expect_language_model(const ModelFolder& folder, const std::string& key);

/// Logs a warning if the run reads messages and the chat template does not end an answer with a special token.
void warn_of_turn_end(const Setup& setup, const RecordCounts& counts);

/// Throws ModelError if `longest` tokens exceed the positions of the model in `folder`; the message begins with `key`.
void check_positions(const ModelFolder& folder, const std::string& key, std::int64_t longest);

/// Reads the folder of another model of the run, the value of `key`. Throws ModelError unless it has the same
/// vocabulary, tokenizer and (unless differences are accepted) prompt template as setup.folder.
ModelFolder read_companion(const std::string& path, const std::string& key, const Setup& setup);
/// The same for a model with a scalar head, as trained by rlhf-rm.
ModelFolder read_reward_folder(const std::string& path, const std::string& key, const Setup& setup);

}  // namespace rlhf
