#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/types.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// A record with one or several answers to a prompt, which can be scored.
struct AnsweredRecord {
  /// What the answers are: one answer; chosen and rejected; a list.
  enum class Kind { single, pair, list };
  Kind kind = Kind::single;
  Preference content;  ///< prompt and answers; `pairs` only if the record orders them
  /// Prompt and response as token ids, if the record has both (rlhf-generate --json); then `content` has no answers.
  std::optional<TokenIds> ids;
  nlohmann::ordered_json record;  ///< the record as it is
  std::string place;              ///< "file:line"
};

/// Reads a file of records with answers, in any mixture of these forms:
///   {"prompt", "completion"}, also with "response" or "answer"; {"text"}; Alpaca's {"instruction", "output"}
///   {"messages"} and ShareGPT: the answer is the last assistant turn
///   {"prompt", "chosen", "rejected"} and {"chosen", "rejected"}: two answers
///   {"prompt", "chosen": [texts], "rejected": [texts]}: a list, first the chosen ones; each is better than each
///   rejected
///   {"prompt", "completions"} or {"prompt", "responses"}: a list of texts, of {"text"}, or a ranking
///   {"prompt_ids", "token_ids"}: what rlhf-generate --json wrote, scored as exactly these tokens
/// `prompt_field` is the name of "prompt" in the file. A prompt may be messages; its answers are then messages or
/// texts. Throws DataError "file:line: expected …, found …" for a record without an answer, if the file cannot be read,
/// and if it has no records.
void for_each_answered(const std::filesystem::path& file, const std::string& prompt_field,
                       const std::function<void(AnsweredRecord)>& sink);

}  // namespace rlhf
