#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace rlhf {

/// Messages as they stand in a record, checked: a list that is not empty, of objects with a role and a content (a
/// string, text parts, or none beside tool calls). `where` is "file:line: field". Throws BadRecord.
nlohmann::ordered_json read_messages(const nlohmann::ordered_json& value, const std::string& where);

/// ShareGPT's turns {"from", "value"} as messages, `system` (if not empty) in front. Throws BadRecord.
nlohmann::ordered_json read_sharegpt(const nlohmann::ordered_json& value, const std::string& system,
                                     const std::string& where);

/// Throws BadRecord unless the first or the last of the messages (which are not empty) is the assistant's.
void expect_answer_first(const nlohmann::ordered_json& messages, const std::string& where);
void expect_answer_last(const nlohmann::ordered_json& messages, const std::string& where);
/// Throws BadRecord if the last message is the assistant's: there is nothing to answer.
void expect_question_last(const nlohmann::ordered_json& messages, const std::string& where);

/// Messages that both lists begin with; where one is the beginning of the other, the last of them is not counted, as in
/// TRL's extract_prompt. Both lists hold a message.
std::size_t shared_turns(const nlohmann::ordered_json& chosen, const nlohmann::ordered_json& rejected);

/// The messages [begin, end).
nlohmann::ordered_json turns(const nlohmann::ordered_json& messages, std::size_t begin, std::size_t end);

}  // namespace rlhf
