#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rlhf/text/tokenizer.h"

namespace rlhf {

/// The files of a tokenizer: their content by name, relative to the model folder ("tokenizer_config.json").
using TokenizerTexts = std::map<std::string, std::string>;

/// A special token and its id.
struct NewToken {
  std::string content;
  std::int32_t id;
};

/// The tokens among `contents` that the tokenizer does not have, with the ids that transformers gives them: a token
/// that is an entry of the vocabulary, but is not recognised in texts, has the id of that entry; other tokens get the
/// next free ids, in order. Throws ConfigError, with `key`, if a content is empty or white space.
std::vector<NewToken> new_tokens(const Tokenizer& tokenizer, const std::vector<std::string>& contents,
                                 const std::string& key);

/// The id of the token `content`, which the tokenizer must have; throws ConfigError, with `key`, if it does not.
std::int32_t find_token(const Tokenizer& tokenizer, const std::string& content, const std::string& key);

/// Writes the tokens into the files that define added tokens, so that load_tokenizer() and `transformers` read them as
/// special tokens with these ids. Files that do not exist are created where they are needed.
void add_tokens(TokenizerTexts& files, const std::vector<NewToken>& tokens);

/// Gives a role ("eos_token", "pad_token") to the token `content`.
void set_token_role(TokenizerTexts& files, const std::string& role, const std::string& content);

/// Moves chat templates out of tokenizer_config.json into files of their own, as `transformers` 5 writes them:
/// chat_template.jinja goes before tokenizer_config.json, and other programs would otherwise read the old one there.
/// `chosen` becomes the default template.
void set_chat_template(TokenizerTexts& files, const std::string& chosen);

}  // namespace rlhf
