#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"

namespace rlhf {

/// Reads a non-empty list of messages {"role", "content"} or ShareGPT turns {"from", "value"}, as messages. The content
/// is a string or a list of text parts; an assistant turn with tool calls or reasoning needs none, and in the turn of a
/// tool it may be an object. Other keys are kept; keys whose value is null are removed, as transformers 5.24 does.
/// Images and other parts that are not text are refused. `from_value`: a turn without "role" is a ShareGPT turn.
nlohmann::ordered_json read_messages(const JsonReader& list, bool from_value);

/// Throws BadRecord unless the first (or the last) of the messages is an assistant turn. The list must not be empty.
/// `where` is "file:line: field".
void expect_answer_first(const nlohmann::ordered_json& messages, const std::string& where);
void expect_answer_last(const nlohmann::ordered_json& messages, const std::string& where);
/// Throws BadRecord if the last message is an assistant turn, so that there is nothing to respond to.
void expect_question_last(const nlohmann::ordered_json& messages, const std::string& where);

/// The number of messages with which both lists begin. If one list is the beginning of the other, its last message is
/// not counted, as in TRL's extract_prompt. Neither list may be empty.
std::size_t shared_turns(const nlohmann::ordered_json& chosen, const nlohmann::ordered_json& rejected);

/// The messages [begin, end).
nlohmann::ordered_json turns(const nlohmann::ordered_json& messages, std::size_t begin, std::size_t end);

}  // namespace rlhf
