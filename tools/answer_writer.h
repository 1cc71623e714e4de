#pragma once

#include <memory>
#include <ostream>
#include <vector>

#include "rlhf/config/generate_config.h"
#include "rlhf/data/samples.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/text/stop_strings.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// The sampling options of the command line, with the stop ids of the model folder and the tokenizer.
SamplingOptions sampling_options(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer);

/// Samples responses to prompts in order and writes them after every few batches, so that the first ones appear early.
class AnswerWriter {
 public:
  /// If `reward` is null, responses are not scored.
  AnswerWriter(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer, CausalLM& model,
               std::unique_ptr<RewardSource> reward);
  void write(const std::vector<PromptSample>& prompts, std::ostream& out);

 private:
  /// The responses to prompts [begin,end), the samples of a prompt next to each other, and their scores (empty without
  /// a reward source).
  struct Answers {
    std::vector<Generation> texts;
    std::vector<float> scores;
  };
  void write_some(const std::vector<PromptSample>& prompts, std::size_t begin, std::size_t end, std::ostream& out);
  Answers answer(const std::vector<PromptSample>& prompts, std::size_t begin, std::size_t end, bool streams);
  std::vector<float> score(const std::vector<PromptSample>& prompts, std::size_t begin,
                           const std::vector<Generation>& answers);
  void write_json(const PromptSample& prompt, const Answers& answers, std::size_t i, std::ostream& out) const;
  std::string text_of(const PromptSample& prompt, const Generation& answer) const {
    return stop_.cut(decode_after(tokenizer_, prompt.ids, answer.tokens));
  }

  const GenerateConfig& config_;
  const Tokenizer& tokenizer_;
  CausalLM& model_;
  StopStrings stop_;
  SamplingOptions sampling_;
  std::unique_ptr<RewardSource> reward_;
};

}  // namespace rlhf
