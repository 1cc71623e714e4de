#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

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

/// Samples responses to prompts and writes them in the order of the prompts, each as soon as it and all before it are
/// complete.
class AnswerWriter {
 public:
  /// If `reward` is null, responses are not scored.
  AnswerWriter(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer, CausalLM& model,
               std::unique_ptr<RewardSource> reward);
  /// If this fails in the middle, what is complete is written before the exception leaves.
  void write(std::span<const PromptSample> prompts, std::ostream& out);

 private:
  /// Some prompts, and the responses to them that are complete; the samples of a prompt are next to each other.
  struct Group {
    std::span<const PromptSample> prompts;
    std::uint64_t first = 0;  ///< the number of the first prompt, for its random stream
    std::vector<std::optional<Generation>> answers;
    std::size_t next = 0;  ///< the first prompt that is not written
  };
  bool streams(const Group& group) const;
  bool complete(const Group& group, std::size_t prompt) const;
  void write_group(Group group, std::ostream& out);
  void generate_group(Group& group, std::ostream& out);
  void write_complete(Group& group, std::ostream& out);
  void write_rest(Group& group, std::ostream& out);
  /// Writes the responses to the prompts [begin,end) of the group.
  void write_prompts(const Group& group, std::size_t begin, std::size_t end, std::ostream& out);
  void write_answer(const PromptSample& prompt, const Generation& answer, std::size_t sample,
                    std::optional<float> score, bool is_streamed, std::ostream& out);
  std::vector<float> score(const Group& group, std::size_t begin, std::size_t end);
  nlohmann::ordered_json json_of(const PromptSample& prompt, const Generation& answer, std::size_t sample,
                                 std::optional<float> score) const;
  std::string text_of(const PromptSample& prompt, const Generation& answer) const {
    return stop_.cut(decode_after(tokenizer_, prompt.ids, answer.tokens));
  }

  const GenerateConfig& config_;
  const Tokenizer& tokenizer_;
  CausalLM& model_;
  StopStrings stop_;
  SamplingOptions sampling_;
  std::unique_ptr<RewardSource> reward_;
  const std::size_t samples_;
  const bool json_;
  std::size_t written_ = 0;  ///< prompts whose responses are written
};

}  // namespace rlhf
