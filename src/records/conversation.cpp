// Reads and checks messages and ShareGPT conversations.
#include "records/conversation.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "rlhf/records/jsonl.h"

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
  if (!calls) return false;
  const bool any = !calls->list("a list of calls").empty();
  calls->for_each_item([](const JsonReader& call) { call.object(); });
  return any;
}

void check_message(const JsonReader& message) {
  message.object("an object {\"role\", \"content\"}");
  if (message.at("role").string().empty()) message.at("role").fail("a role", "an empty text");
  const bool has_calls = calls_tools(message);
  const auto content = message.find("content");
  if (!content && has_calls) return;
  if (content && content->is_list()) return check_parts(*content);
  message.at("content").string();
}

struct Role {
  std::string_view theirs;
  const char* ours;
};
constexpr Role kRoles[] = {{"human", "user"},        {"user", "user"},           {"gpt", "assistant"},
                           {"chatgpt", "assistant"}, {"assistant", "assistant"}, {"system", "system"},
                           {"tool", "tool"},         {"observation", "tool"}};

const char* role_of(const JsonReader& from) {
  std::vector<std::string_view> names;
  for (const Role& role : kRoles) names.push_back(role.theirs);
  from.string();
  return kRoles[from.one_of(names)].ours;
}

bool is_answer(const Json& message) { return message.at("role") == "assistant"; }

std::string role_shown(const Json& message) { return "the role " + shown_json(message.at("role")); }

/// Compares like Python: the order of keys does not matter.
bool equal(const Json& a, const Json& b) { return a == b || nlohmann::json(a) == nlohmann::json(b); }

}  // namespace

Json read_messages(const JsonReader& list) {
  check_list(list, "messages {\"role\", \"content\"}");
  list.for_each_item(check_message);
  return list.value();
}

Json read_sharegpt(const JsonReader& list, const std::string& system) {
  check_list(list, "turns {\"from\", \"value\"}");
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  list.for_each_item([&](const JsonReader& turn) {
    turn.object("an object {\"from\", \"value\"}");
    const char* role = role_of(turn.at("from"));
    messages.push_back({{"role", role}, {"content", turn.at("value").string()}});
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
