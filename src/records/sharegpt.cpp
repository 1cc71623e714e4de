// ShareGPT's names of roles, and its calls of functions.
#include "records/sharegpt.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "rlhf/records/jsonl.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCall = "function_call";

struct Role {
  std::string_view theirs;
  const char* ours;
};
constexpr Role kRoles[] = {{"human", "user"},
                           {"user", "user"},
                           {"prompter", "user"},
                           {"gpt", "assistant"},
                           {"chatgpt", "assistant"},
                           {"assistant", "assistant"},
                           {"model", "assistant"},
                           {"bot", "assistant"},
                           {kCall, "assistant"},
                           {"system", "system"},
                           {"tool", "tool"},
                           {"observation", "tool"},
                           {"function_response", "tool"}};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const Role& role_of(const JsonReader& from) {
  const std::string name = lower(from.string());
  const auto role = std::ranges::find(kRoles, std::string_view(name), &Role::theirs);
  if (role != std::end(kRoles)) return *role;
  std::string known;
  for (const Role& one : kRoles) known += (known.empty() ? "" : ", ") + std::string(one.theirs);
  from.fail("one of " + known);
}

Json call_of(const JsonReader& call) {
  call.object("a call {\"name\", \"arguments\"}");
  call.at("name").string();
  const auto arguments = call.find("arguments");
  Json function = {{"name", call.at("name").value()}, {"arguments", arguments ? arguments->value() : Json::object()}};
  return {{"type", "function"}, {"function", std::move(function)}};
}

/// The calls that are written in a text.
Json read_calls(const JsonReader& value) {
  const Json parsed = parse_json(value.string(), value.place(), throw_as<BadRecord>);
  const JsonReader calls(parsed, value.place(), throw_as<BadRecord>);
  Json list = Json::array();
  if (!calls.is_list()) {
    list.push_back(call_of(calls));
  } else {
    calls.for_each_item([&](const JsonReader& call) { list.push_back(call_of(call)); });
  }
  return list;
}

}  // namespace

Json read_sharegpt_turn(const JsonReader& turn) {
  const Role& role = role_of(turn.at("from"));
  const JsonReader value = turn.at("value");
  Json message = {{"role", role.ours}, {"content", ""}};
  if (role.theirs == kCall) {
    message["tool_calls"] = read_calls(value);
  } else {
    message["content"] = value.string();
  }
  for (const auto& [key, other] : turn.value().items())
    if (key != "from" && key != "value") message[key] = other;
  return message;
}

}  // namespace rlhf
