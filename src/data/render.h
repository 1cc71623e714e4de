#pragma once

#include <string>
#include <vector>

#include "rlhf/config/data_options.h"
#include "rlhf/data/templates.h"
#include "rlhf/records/records.h"

#include "data/joined_text.h"

namespace rlhf {

/// The texts of a record as token ids. Tokens that a chat template writes after the end of the last turn are removed,
/// so that a text ends like a sampled response. Throws DataError (the caller adds the place) if the chat template
/// refuses a conversation or if the rendered conversation does not begin with its rendered prompt.
std::vector<JoinedText> tokenise(const Demonstration& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn train_on);
/// One text for each completion.
std::vector<JoinedText> tokenise(const Preference& record, const Tokenizer& tokenizer, const Templates& templates,
                                 TrainOn train_on);

/// Renders `messages` with the generation prompt of the chat template.
std::string render_prompt(const Conversation& chat, const nlohmann::ordered_json& messages, const Templates& templates);

}  // namespace rlhf
