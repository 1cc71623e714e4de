#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/config/model_options.h"
#include "rlhf/config/train_options.h"
#include "rlhf/data/templates.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/records.h"
#include "rlhf/tensor/device.h"
#include "rlhf/text/tokenizer.h"

#include "run.h"

namespace rlhf {

/// What every stage needs before it can look at its data.
struct Setup {
  Compute compute;
  ModelFolder folder;
  std::unique_ptr<Tokenizer> tokenizer;
  Templates templates;
  std::string chat_file;  ///< data.chat_template where that is a file

  /// What a saved model folder carries besides weights: the prompt template if asked for or if the folder had one, the
  /// chat template where the run saw messages.
  SaveOptions save_options(const RecordCounts& counts, bool with_template) const;
};

/// What section `data` says about templates.
struct SaidTemplates {
  std::string prompt, chat;  ///< data.template, data.chat_template
};

/// Resolves device and threads, reads the model folder (or describes a new model) and its tokenizer, checks that they
/// fit. Throws ConfigError if the prompt template that was said differs from the folder's own, unless differences are
/// accepted.
Setup prepare(const ModelOptions& model, const SaidTemplates& said, DeviceChoice device, DtypeChoice dtype,
              std::optional<std::int64_t> threads, const std::optional<ResumePoint>& resume, const RunOptions& options);

/// The parts of a fingerprint besides the config's fixed_values. Of data and weights, their checksums.
void add_machine(Fingerprint& fingerprint, const Setup& setup, std::int64_t micro_batch_tokens);
void add_data(Fingerprint& fingerprint, const std::string& name, const RecordCounts& counts);
void add_model(Fingerprint& fingerprint, const std::string& name, const std::string& said);
/// The tokenizer's files and the template in use.
void add_text(Fingerprint& fingerprint, const Setup& setup);

/// run.json: what ran, on what, from what.
nlohmann::json describe_run(const std::string& stage, const Setup& setup, const Fingerprint& fingerprint,
                            std::int64_t total_steps);

/// A size of the plan: what was said, else what the checkpoint was made with, else `derived`. A said size that differs
/// from the checkpoint's is refused by the fingerprint.
std::int64_t settle(std::optional<std::int64_t> said, const std::optional<ResumePoint>& resume, const std::string& name,
                    std::int64_t derived);
inline constexpr const char* kMicroBatchTokens = "plan.micro_batch_tokens";

/// Throws ModelError unless `longest` tokens fit into the positions that the model of `folder` was made for.
void check_positions(const ModelFolder& folder, const std::string& key, std::int64_t longest);

}  // namespace rlhf
