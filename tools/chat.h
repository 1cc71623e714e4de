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
#include "rlhf/text/stop_strings.h"
#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// A conversation on a terminal. Each line is a turn of the user; responses are printed while they are generated.
/// `/reset` starts a new conversation, `/system TEXT` sets the system message and starts a new conversation, `/exit` or
/// the end of the input (Ctrl-D) ends the program, and so does Ctrl-C.
class Chat {
 public:
  Chat(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
       const ChatTemplate& chat_template, CausalLM& model);
  /// `prompts`: print "> " before each turn, for a terminal.
  void run(std::istream& in, std::ostream& out, bool prompts);

 private:
  enum class Next { line, end };
  Next command(const std::string& line);
  void reset();
  /// Responds to a turn of the user. If that is not possible, prints the error on stderr and drops the turn.
  void reply(const std::string& line, std::ostream& out);
  /// The token ids of the conversation. Throws DataError if it does not render or leaves no room for a response.
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
