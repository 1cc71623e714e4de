#pragma once

#include <istream>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/config/generate_config.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/text/chat_template.h"
#include "rlhf/text/tokenizer.h"

#include "stop_strings.h"

namespace rlhf {

/// A conversation on a terminal: a line is a user's turn, answers appear as they grow. `/reset` forgets the turns,
/// `/system TEXT` says what the model shall be (and forgets them), `/exit` or the end of the input leaves.
class Chat {
 public:
  Chat(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
       const ChatTemplate& chat_template, CausalLM& model);
  /// `prompts`: whether somebody waits at a terminal for a "> ".
  void run(std::istream& in, std::ostream& out, bool prompts);

 private:
  enum class Next { line, end };
  Next command(const std::string& line);
  void reset();
  /// Answers a user's turn. What cannot be answered is said on stderr, and the turn is forgotten.
  void reply(const std::string& line, std::ostream& out);
  /// The conversation as the model sees it; throws where it does not render or leaves no room for an answer.
  TokenIds conversation_ids() const;

  const Tokenizer& tokenizer_;
  const ChatTemplate& template_;
  CausalLM& model_;
  StopStrings stop_;
  SamplingOptions sampling_;
  std::string system_;
  nlohmann::ordered_json messages_;
  std::uint64_t turn_ = 0;
};

}  // namespace rlhf
