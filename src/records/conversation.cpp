// Reads and checks messages and ShareGPT conversations.
#include "records/conversation.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "rlhf/records/jsonl.h"

#include "records/sharegpt.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw BadRecord(where + ": expected " + expected + ", found " + found);
}

std::string at(const std::string& where, std::size_t index) { return where + "[" + std::to_string(index) + "]"; }

void check_list(const JsonReader& list, const std::string& what) {
  if (list.list("a list of " + what).empty()) list.fail("at least one of " + what, "an empty list");
}

void check_parts(const JsonReader& parts) {
  check_list(parts, "{\"type\": \"text\", \"text\"}");
  parts.for_each_item([](const JsonReader& part) {
    part.object("an object {\"type\", \"text\"}");
    if (part.at("type").string() != "text") part.at("type").fail("\"text\" (only text is supported)");
    part.at("text").string();
  });
}

bool calls_tools(const JsonReader& message) {
  const auto calls = message.find("tool_calls");
  if (!calls) return message.has("function_call");
  const bool any = !calls->list("a list of calls").empty();
  calls->for_each_item([](const JsonReader& call) { call.object(); });
  return any;
}

bool has_reasoning(const JsonReader& message) {
  constexpr const char* kNames[] = {"reasoning_content", "thinking", "reasoning"};
  return std::ranges::any_of(kNames, [&](const char* name) { return message.has(name); });
}

void check_message(const JsonReader& message) {
  const std::string& role = message.at("role").string();
  if (role.empty()) message.at("role").fail("a role", "an empty text");
  const bool needs_no_content = calls_tools(message) || (role == "assistant" && has_reasoning(message));
  const auto content = message.find("content");
  if (!content && needs_no_content) return;
  if (content && content->is_list()) return check_parts(*content);
  if (content && content->is_object() && (role == "tool" || role == "ipython")) return;
  message.at("content").string();
}

/// Removes the keys of an object, and of the objects in it, whose value is null: tables with one column per key write
/// null where a message has no such key.
Json without_nulls(const Json& value) {
  if (!value.is_structured()) return value;
  Json kept = value.is_object() ? Json::object() : Json::array();
  for (const auto& [key, child] : value.items()) {
    if (value.is_array()) {
      kept.push_back(without_nulls(child));
    } else if (!child.is_null()) {
      // emplace_back of the vector does not search for the key, unlike emplace of the object.
      kept.get_ref<Json::object_t&>().emplace_back(key, without_nulls(child));
    }
  }
  return kept;
}

bool is_sharegpt(const JsonReader& turn, bool from_value) {
  return from_value ? turn.has("from") || !turn.has("role") : turn.has("from") && !turn.has("role");
}

bool is_answer(const Json& message) { return message.at("role") == "assistant"; }

std::string role_shown(const Json& message) { return "the role " + shown_json(message.at("role")); }

/// Compares like Python: the order of keys does not matter.
bool equal(const Json& a, const Json& b) { return a == b || nlohmann::json(a) == nlohmann::json(b); }

}  // namespace

Json read_messages(const JsonReader& list, bool from_value) {
  const std::string keys = from_value ? "{\"from\", \"value\"}" : "{\"role\", \"content\"}";
  check_list(list, (from_value ? "turns " : "messages ") + keys);
  Json messages = Json::array();
  list.for_each_item([&](const JsonReader& turn) {
    turn.object("an object " + keys);
    if (is_sharegpt(turn, from_value)) {
      messages.push_back(without_nulls(read_sharegpt_turn(turn)));
    } else {
      check_message(turn);
      messages.push_back(without_nulls(turn.value()));
    }
  });
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
