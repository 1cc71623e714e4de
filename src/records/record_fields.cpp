// Reads the fields of a record.
#include "records/record_fields.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "rlhf/records/jsonl.h"

#include "records/conversation.h"
#include "records/ranking.h"
#include "records/turn_marks.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

// The prompt published with the Alpaca data; the response follows without white space.
constexpr std::string_view kAlpacaWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.";
constexpr std::string_view kAlpacaWithoutInput =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

bool is_empty(const Json& value) { return value.is_null() || (value.is_structured() && value.empty()) || value == ""; }

Json with_system(const std::string& system, const Json& messages) {
  Json whole = Json::array({{{"role", "system"}, {"content", system}}});
  for (const Json& message : messages) whole.push_back(message);
  return whole;
}

}  // namespace

std::string place_of(const JsonLine& line) { return line.file.string() + ":" + std::to_string(line.line); }

JsonReader RecordFields::field(const std::string& ours) const {
  std::string theirs = names_(ours);
  JsonReader found = record_.at(theirs);
  read_.push_back(std::move(theirs));
  return found;
}

std::optional<JsonReader> RecordFields::optional(const std::string& ours) const {
  const JsonReader found = field(ours);
  return found.is_absent() || found.is_null() ? std::nullopt : std::optional(found);
}

std::string RecordFields::optional_text(const std::string& ours) const {
  const auto found = optional(ours);
  return found ? found->string() : "";
}

bool RecordFields::has_plain_prompt() const {
  const auto prompt = optional("prompt");
  return prompt && (prompt->is_list() || !optional("chosen") || !field("chosen").is_list());
}

std::vector<std::string> RecordFields::unread() const {
  std::vector<std::string> names = unread_marks_;
  for (const auto& [name, value] : record_.value().items())
    if (!is_empty(value) && std::ranges::find(read_, name) == read_.end()) names.push_back(name);
  return names;
}

Json RecordFields::rest() const {
  Json rest = Json::object();
  for (const auto& [name, value] : record_.value().items())
    if (!is_empty(value) && std::ranges::find(read_, name) == read_.end()) rest[name] = value;
  return rest;
}

std::vector<RankedPair> RecordFields::pair() const {
  const auto number = [&](const char* ours, double most, double usual) {
    return static_cast<float>(number_in(optional(ours), 0, most).value_or(usual));
  };
  const RankedPair pair{.margin = number("margin", kMaxMargin, 0),
                        .weight = number("weight", kMaxWeight, 1),
                        .target = number("probability", 1, 1)};
  if (pair.weight == 0) return {};
  return {pair};
}

std::string RecordFields::alpaca_history() const {
  const auto history = optional("history");
  if (!history) return "";
  std::string turns;
  history->list("a list of [instruction, output]");
  history->for_each_item([&](const JsonReader& turn) {
    if (turn.list("[instruction, output]").size() != 2) turn.fail("[instruction, output]");
    turns += "\n\n### Instruction:\n" + turn.item(0).string() + "\n\n### Response:\n" + turn.item(1).string();
  });
  return turns;
}

std::string RecordFields::alpaca_prompt() const {
  const std::string instruction = text("instruction"), input = optional_text("input"), system = optional_text("system");
  std::string prompt = system;
  if (system.empty()) prompt = input.empty() ? kAlpacaWithoutInput : kAlpacaWithInput;
  prompt += alpaca_history() + "\n\n### Instruction:\n" + instruction;
  if (!input.empty()) prompt += "\n\n### Input:\n" + input;
  return prompt + "\n\n### Response:";
}

Json RecordFields::messages(const std::string& ours) const {
  return read_messages(field(ours), ours == "conversations");
}

Json RecordFields::question(const std::string& ours) const {
  Json list = messages(ours);
  expect_question_last(list, where(ours));
  return list;
}

Json RecordFields::answer(const std::string& ours) const {
  Json list = messages(ours);
  expect_answer_first(list, where(ours));
  expect_answer_last(list, where(ours));
  return list;
}

Json RecordFields::answered(const std::string& ours) const {
  Json list = messages(ours);
  expect_answer_last(list, where(ours));
  return list;
}

std::vector<std::size_t> RecordFields::untrained(const std::string& ours, const Json& messages) const {
  const JsonReader list = field(ours);
  if (trains_other_roles(list, messages)) unread_marks_.push_back("train: true, of a turn that is not the assistant's");
  return untrained_turns(list, messages);
}

/// A list of tools, or the same as a JSON text, as LLaMA-Factory writes it.
Json RecordFields::tools() const {
  const auto tools = optional("tools");
  if (!tools || (tools->is_string() && tools->string().empty())) return {};
  if (!tools->is_string()) return tools->list("a list of tools");
  const Json parsed = parse_json(tools->string(), tools->place(), throw_as<BadRecord>);
  return JsonReader(parsed, tools->place(), throw_as<BadRecord>).list("a list of tools");
}

Conversation RecordFields::conversation(Json messages) const {
  Conversation chat{.messages = std::move(messages), .tools = tools()};
  if (const auto kwargs = optional("chat_template_kwargs"))
    chat.template_kwargs = kwargs->object("an object {name: value}");
  const auto system = record_.find(names_("system"));
  if (!system || system->string().empty()) return chat;
  const bool has_system = !chat.messages.empty() && chat.messages.front().at("role") == "system";
  if (has_system && chat.messages.front().at("content") != system->string()) return chat;  // the field is not read
  if (!has_system) chat.messages = with_system(optional_text("system"), chat.messages);
  field("system");
  return chat;
}

Preference RecordFields::split_transcripts() const {
  const std::string chosen = text("chosen"), rejected = text("rejected");
  const auto differ = std::mismatch(chosen.begin(), chosen.end(), rejected.begin(), rejected.end()).first;
  const std::string_view shared(chosen.data(), static_cast<std::size_t>(differ - chosen.begin()));
  const auto last = shared.rfind(kAssistantTurn);
  if (last == std::string_view::npos)
    return {.prompt = "", .answers = {{chosen}, {rejected}}, .pairs = pair(), .whole = true};
  const std::size_t boundary = last + kAssistantTurn.size();
  return {chosen.substr(0, boundary), {{chosen.substr(boundary)}, {rejected.substr(boundary)}}, pair()};
}

Preference RecordFields::split_conversations(bool has_prompt) const {
  const Json chosen = messages("chosen"), rejected = messages("rejected");
  const std::size_t shared = shared_turns(chosen, rejected);
  const std::string after = shared > 0 ? " after the shared messages" : "";
  const auto rest = [&](const Json& list, const char* ours) {
    Json answer = turns(list, shared, list.size());
    if (shared > 0 || has_prompt) expect_answer_first(answer, where(ours) + after);
    expect_answer_last(answer, where(ours) + after);
    return Answer{.turns = std::move(answer)};
  };
  Preference record{.answers = {rest(chosen, "chosen"), rest(rejected, "rejected")}, .pairs = pair()};
  Json prompt = turns(chosen, 0, shared);
  if (has_prompt && shared == 0) prompt.push_back({{"role", "user"}, {"content", text("prompt")}});
  record.whole = prompt.empty();
  if (record.whole) {
    record.chat.messages = Json::array();
  } else {
    record.chat = conversation(std::move(prompt));
  }
  return record;
}

Preference RecordFields::ranking(bool chat) const {
  RankedTexts ranked = read_ranking(field("completions"), names_("text"), names_("rank"));
  Preference record{.prompt = chat ? "" : text("prompt"), .pairs = std::move(ranked.pairs)};
  if (chat) record.chat = conversation(question("prompt"));
  for (std::string& text : ranked.texts)
    record.answers.push_back(chat ? Answer{.turns = {{{"role", "assistant"}, {"content", std::move(text)}}}}
                                  : Answer{std::move(text)});
  return record;
}

Preference RecordFields::unpaired(bool chat) const {
  Preference record{.desirable = field("label").boolean()};
  if (chat) {
    record.chat = conversation(question("prompt"));
    record.answers = {{.turns = answer("completion")}};
  } else {
    record.prompt = text("prompt");
    record.answers = {{text("completion")}};
  }
  return record;
}

}  // namespace rlhf
