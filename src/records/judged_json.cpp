// Writes records of judgments.
#include <string_view>
#include <utility>

#include "rlhf/records/judgments.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

void add_text(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

template <typename Value>
void add_known(Json& object, const char* key, const std::optional<Value>& value) {
  if (value) object[key] = *value;
}

/// Fields that the format does not define; they never replace one that it does.
void add_extra(Json& object, const Json& extra) {
  for (const auto& [key, value] : extra.items())
    if (!object.contains(key)) object[key] = value;
}

/// A response by its id, or by its index if it has none.
Json name_of_response(const JudgedRecord& record, std::int32_t index) {
  const std::string& id = record.responses.at(static_cast<std::size_t>(index)).id;
  return id.empty() ? Json(index) : Json(id);
}

bool is_one_text(const Json& turns) {
  const Json usual = {{"role", "assistant"}, {"content", ""}};
  if (turns.size() != 1 || turns[0].size() != usual.size() || !turns[0].contains("content")) return false;
  return turns[0].at("role") == "assistant" && turns[0].at("content").is_string();
}

Json json_of(const JudgedResponse& response) {
  Json made = Json::object();
  add_text(made, "id", response.id);
  const Json& turns = response.answer.turns;
  if (turns.is_null()) {
    made["text"] = response.answer.text;
  } else if (is_one_text(turns)) {
    made["text"] = turns[0].at("content");
  } else {
    made["messages"] = turns;
  }
  add_text(made, "source", response.source);
  add_extra(made, response.extra);
  return made.size() == 1 && made.contains("text") ? made["text"] : made;
}

void add_verdict(Json& object, const Verdict& verdict, const JudgedRecord& record) {
  using enum Verdict::Kind;
  if (verdict.kind == choice) object["choice"] = name_of_response(record, verdict.choice);
  if (verdict.kind == ranks) object["ranks"] = verdict.ranks;
  if (verdict.kind == tie) object["tie"] = true;
  if (verdict.kind == both_bad) object["both_bad"] = true;
}

Json json_of_gold(const Verdict& gold, const JudgedRecord& record) {
  using enum Verdict::Kind;
  if (gold.kind == choice) return name_of_response(record, gold.choice);
  if (gold.kind == ranks) return gold.ranks;
  return gold.kind == tie ? "tie" : "both_bad";
}

Json json_of(const Judgment& judgment, const JudgedRecord& record) {
  Json made = {{"annotator", judgment.annotator}, {"role", name_of(judgment.role)}};
  add_verdict(made, judgment.verdict, record);
  if (judgment.scale > 0) made["scale"] = judgment.scale;
  if (judgment.strength > 0) made["strength"] = judgment.strength;
  for (const std::int32_t shown : judgment.order) made["order"].push_back(name_of_response(record, shown));
  add_known(made, "seconds", judgment.seconds);
  if (!judgment.tags.empty()) made["tags"] = judgment.tags;
  add_text(made, "note", judgment.note);
  add_text(made, "guideline", judgment.guideline);
  add_extra(made, judgment.extra);
  return made;
}

Json json_of(const JudgmentLabel& label, const JudgedRecord& record) {
  Json made = {{"chosen", name_of_response(record, label.chosen)}};
  add_known(made, "probability", label.probability);
  add_known(made, "weight", label.weight);
  add_known(made, "margin", label.margin);
  add_text(made, "method", label.method);
  for (const JudgmentLabel& before : label.history) made["history"].push_back(json_of(before, record));
  add_extra(made, label.extra);
  return made;
}

}  // namespace

Json to_json(const JudgedRecord& record) {
  Json made = Json::object();
  if (!record.id.is_null()) made["id"] = record.id;
  made["prompt"] = record.chat ? record.chat.messages : Json(record.prompt);
  made["responses"] = Json::array();
  for (const JudgedResponse& response : record.responses) made["responses"].push_back(json_of(response));
  add_text(made, "domain", record.domain);
  add_text(made, "belief", record.belief);
  made["judgments"] = Json::array();
  for (const Judgment& judgment : record.judgments) made["judgments"].push_back(json_of(judgment, record));
  if (record.gold) made["gold"] = json_of_gold(*record.gold, record);
  if (record.label) made["label"] = json_of(*record.label, record);
  if (!record.chat.tools.is_null()) made["tools"] = record.chat.tools;
  if (!record.chat.template_kwargs.is_null()) made["chat_template_kwargs"] = record.chat.template_kwargs;
  add_extra(made, record.extra);
  return made;
}

}  // namespace rlhf
