#pragma once

#include <string>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"

#include "data/joined_text.h"

namespace rlhf {

/// The texts that a record holds, as ids. What a chat template writes behind the token that ends the last turn is left
/// out, so that a text ends as an answer that was sampled does. Throws DataError (without a place) where a conversation
/// does not render, or does not begin as its prompt does.
std::vector<JoinedText> tokenise(const Demonstration& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn train_on);
/// One text for each answer.
std::vector<JoinedText> tokenise(const Preference& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn train_on);

/// What a chat template makes of a conversation that waits for an answer.
std::string render_prompt(const Conversation& chat, const nlohmann::ordered_json& messages, const Templates& templates);

}  // namespace rlhf
