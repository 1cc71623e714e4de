#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/records.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// What a method needs before it can look at its data: where to compute, and the folder, tokenizer and templates of the
/// model that is trained (of the policy, in an on-policy method).
struct Setup {
  Compute compute;
  ModelFolder folder;
  std::unique_ptr<Tokenizer> tokenizer;
  Templates templates;
  std::string chat_file;  ///< data.chat_template where that is a file
  /// train.micro_batch_tokens, or else the size of the checkpoint that is resumed, or else nothing.
  std::optional<std::int64_t> micro_batch_tokens;
  bool accept_differences = false;

  /// Tokens of one micro-batch: `micro_batch_tokens`, or else a size derived from the memory (train/plan.h) that is
  /// left by `resident` bytes of models. Never below `longest`, a sequence or sample that cannot be split.
  std::int64_t choose_micro_batch_tokens(std::int64_t resident, std::int64_t longest) const;
  /// What a saved model folder holds besides weights: the prompt template if `with_template` or if the folder had one,
  /// the chat template if the run read messages.
  SaveOptions save_options(const RecordCounts& counts, bool with_template) const;
};

/// Throws ModelError unless `longest` tokens fit into the positions of the model in `folder`; `key` is what to change.
void check_positions(const ModelFolder& folder, const std::string& key, std::int64_t longest);

/// The folder of another model of the run, given by `key`. Throws ModelError unless it has the vocabulary, the
/// tokenizer and (unless differences are accepted) the prompt template of setup.folder.
ModelFolder read_companion(const std::string& path, const std::string& key, const Setup& setup);
/// The same for a model with a scalar head, as rlhf-rm makes it.
ModelFolder read_reward_folder(const std::string& path, const std::string& key, const Setup& setup);

}  // namespace rlhf
