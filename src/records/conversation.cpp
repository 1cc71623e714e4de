// Reads and checks messages and ShareGPT conversations.
#include "records/conversation.h"

#include <algorithm>
#include <string_view>

#include "rlhf/records/jsonl.h"

#include "records/strict_json.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw BadRecord(where + ": expected " + expected + ", found " + found);
}

std::string at(const std::string& where, std::size_t index) { return where + "[" + std::to_string(index) + "]"; }

void check_list(const Json& value, const std::string& what, const std::string& where) {
  if (!value.is_array()) refuse(where, "a list of " + what, describe_value(value));
  if (value.empty()) refuse(where, "at least one of " + what, "an empty list");
}

const std::string& text_of(const Json& object, const char* key, const std::string& where) {
  return expect_member(object, key, &Json::is_string, "a string", where).get_ref<const std::string&>();
}

void check_parts(const Json& parts, const std::string& where) {
  check_list(parts, "{\"type\": \"text\", \"text\"}", where);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].is_object()) refuse(at(where, i), "an object {\"type\", \"text\"}", describe_value(parts[i]));
    const std::string& type = text_of(parts[i], "type", at(where, i));
    if (type != "text") refuse(at(where, i) + ".type", "\"text\" (only text is supported)", describe_value(type));
    text_of(parts[i], "text", at(where, i));
  }
}

bool calls_tools(const Json& message, const std::string& where) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || calls->is_null()) return false;
  if (!calls->is_array()) refuse(where + ".tool_calls", "a list of calls", describe_value(*calls));
  for (std::size_t i = 0; i < calls->size(); ++i)
    if (!(*calls)[i].is_object()) refuse(at(where + ".tool_calls", i), "an object", describe_value((*calls)[i]));
  return !calls->empty();
}

void check_message(const Json& message, const std::string& where) {
  if (!message.is_object()) refuse(where, "an object {\"role\", \"content\"}", describe_value(message));
  if (text_of(message, "role", where).empty()) refuse(where + ".role", "a role", "an empty text");
  const bool has_calls = calls_tools(message, where);
  const auto content = message.find("content");
  const bool absent = content == message.end() || content->is_null();
  if (absent && has_calls) return;
  if (!absent && content->is_array()) return check_parts(*content, where + ".content");
  text_of(message, "content", where);
}

struct Role {
  std::string_view theirs;
  const char* ours;
};
constexpr Role kRoles[] = {{"human", "user"},        {"user", "user"},           {"gpt", "assistant"},
                           {"chatgpt", "assistant"}, {"assistant", "assistant"}, {"system", "system"},
                           {"tool", "tool"},         {"observation", "tool"}};

const char* role_of(const std::string& from, const std::string& where) {
  const auto* found =
      std::find_if(std::begin(kRoles), std::end(kRoles), [&](const Role& r) { return r.theirs == from; });
  if (found != std::end(kRoles)) return found->ours;
  std::string known;
  for (const Role& role : kRoles) known += (known.empty() ? "" : ", ") + std::string(role.theirs);
  refuse(where + ".from", "one of " + known, describe_value(from));
}

bool is_answer(const Json& message) { return message.at("role") == "assistant"; }

std::string role_shown(const Json& message) {
  const std::string shown = describe_value(message.at("role"));  // string "user"
  return "the role " + shown.substr(shown.find(' ') + 1);
}

/// Compares like Python: the order of keys does not matter.
bool equal(const Json& a, const Json& b) { return a == b || nlohmann::json(a) == nlohmann::json(b); }

}  // namespace

Json read_messages(const Json& value, const std::string& where) {
  check_list(value, "messages {\"role\", \"content\"}", where);
  for (std::size_t i = 0; i < value.size(); ++i) check_message(value[i], at(where, i));
  return value;
}

Json read_sharegpt(const Json& value, const std::string& system, const std::string& where) {
  check_list(value, "turns {\"from\", \"value\"}", where);
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string turn = at(where, i);
    if (!value[i].is_object()) refuse(turn, "an object {\"from\", \"value\"}", describe_value(value[i]));
    const char* role = role_of(text_of(value[i], "from", turn), turn);
    messages.push_back({{"role", role}, {"content", text_of(value[i], "value", turn)}});
  }
  return messages;
}

void expect_answer_first(const Json& messages, const std::string& where) {
  if (!is_answer(messages.front()))
    refuse(at(where, 0), "an assistant turn at the start", role_shown(messages.front()));
}

void expect_answer_last(const Json& messages, const std::string& where) {
  if (!is_answer(messages.back()))
    refuse(at(where, messages.size() - 1), "an assistant turn at the end", role_shown(messages.back()));
}

void expect_question_last(const Json& messages, const std::string& where) {
  if (is_answer(messages.back()))
    refuse(at(where, messages.size() - 1), "a turn of another role than assistant at the end",
           role_shown(messages.back()));
}

std::size_t shared_turns(const Json& chosen, const Json& rejected) {
  const std::size_t shorter = std::min(chosen.size(), rejected.size());
  for (std::size_t i = 0; i < shorter; ++i)
    if (!equal(chosen[i], rejected[i])) return i;
  return shorter - 1;
}

Json turns(const Json& messages, std::size_t begin, std::size_t end) {
  Json part = Json::array();
  for (std::size_t i = begin; i < end; ++i) part.push_back(messages[i]);
  return part;
}

}  // namespace rlhf
