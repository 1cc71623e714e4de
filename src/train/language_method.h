#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/nn/causal_lm.h"

#include "supervised.h"

namespace rlhf {

/// The longest answer in samples.jsonl of a method that trains on samples, in tokens.
inline constexpr std::int64_t kShownTokens = 64;

/// Greedy answers of at most kShownTokens to prompts, as lines for samples.jsonl.
std::vector<nlohmann::ordered_json> greedy_answers(CausalLM& model, const std::vector<TokenIds>& prompts,
                                                   const Setup& setup);

/// The common part of methods that train a language model on samples: loads and saves it, and shows what it answers. A
/// derived method implements plan(), run() and shown_length().
template <typename S, typename Config, Stage kStage>
class LanguageMethod : public SupervisedMethod<S, Config, kStage> {
 public:
  using SupervisedMethod<S, Config, kStage>::SupervisedMethod;

  void load() override {
    const Setup& setup = *this->setup_;
    model_ = load_causal_lm(setup.folder, setup.compute.device, setup.compute.dtype, true, this->seed_,
                            this->config_.model.allow_missing_head, setup.keeping());
    this->setup_->prepare_to_train(*model_);
    this->train_these(model_->parameters(), *model_);
  }

  /// Greedy responses to a few prompts, to show what the model has learned.
  std::vector<nlohmann::ordered_json> show() override {
    constexpr std::size_t kShown = 4;
    std::vector<TokenIds> prompts;
    for (const S& sample : this->evaluates() ? this->data_.eval.samples : this->data_.train.samples) {
      if (prompts.size() == kShown) break;
      const TokenIds& ids = first_text(sample);
      const std::int64_t length = shown_length(sample);
      if (length > 0 && length + kShownTokens <= model_->shape().max_positions)
        prompts.emplace_back(ids.begin(), ids.begin() + length);
    }
    return greedy_answers(*model_, prompts, *this->setup_);
  }

  std::string next_command(const std::filesystem::path& folder) const override {
    return generate_command(folder, this->data_.counts.chat);
  }

  std::vector<SavedModel> models() override {
    return {{"", [this] { return this->trainee_->file_tensors(); },
             [this](const TensorStream& weights, const std::filesystem::path& path) {
               const SaveOptions options = this->setup_->save_options(this->data_.counts, this->data_.counts.templated);
               save_causal_lm(this->setup_->folder, weights, options, path);
             }}};
  }

 protected:
  /// The number of tokens that are shown as the prompt of a sample; 0: it is not shown.
  virtual std::int64_t shown_length(const S& sample) const = 0;

  std::unique_ptr<CausalLM> model_;

 private:
  static const TokenIds& first_text(const Sample& sample) { return sample.ids; }
  static const TokenIds& first_text(const RankedSample& sample) { return sample.texts.front(); }
};

}  // namespace rlhf
