// Reads records of judgments.
#include "records/judged.h"

#include <string>
#include <utility>

#include "records/conversation.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

Answer answer_of(std::string text, bool chat) {
  if (!chat) return {std::move(text)};
  return {.turns = {{{"role", "assistant"}, {"content", std::move(text)}}}};
}

/// Messages that begin, unless there is no prompt, and end with assistant turns.
Answer answer_of(const JsonReader& list, bool whole) {
  Json turns = read_messages(list, /*from_value=*/false);
  if (!whole) expect_answer_first(turns, list.place());
  expect_answer_last(turns, list.place());
  return {.turns = std::move(turns)};
}

JudgedResponse response_of(const JsonReader& value, const JudgedRecord& record) {
  const bool chat = static_cast<bool>(record.chat);
  if (value.is_string()) return {.answer = answer_of(value.string(), chat)};
  value.object("a text or an object {\"id\", \"text\"}");
  const auto messages = value.find("messages");
  if (messages && !chat) messages->fail("`text`, because the prompt is a text");
  return {.id = value.string_or("id", ""),
          .answer = messages ? answer_of(*messages, record.whole) : answer_of(value.at("text").string(), chat),
          .source = value.string_or("source", ""),
          .extra = rest_of(value, kResponseFields)};
}

JudgmentLabel label_of(const JsonReader& value, const std::vector<JudgedResponse>& responses) {
  value.object("a label {\"chosen\", \"probability\"}");
  if (responses.size() != 2) value.fail("two responses beside a label", std::to_string(responses.size()));
  JudgmentLabel made{.chosen = read_response_name(value.at("chosen"), responses),
                     .probability = number_in(value.find("probability"), 0, 1),
                     .weight = number_in(value.find("weight"), 0, kMaxWeight),
                     .margin = number_in(value.find("margin"), 0, kMaxMargin),
                     .method = value.string_or("method", "")};
  if (const auto history = value.find("history"))
    history->for_each_item([&](const JsonReader& item) { made.history.push_back(label_of(item, responses)); });
  made.extra = rest_of(value, kLabelFields);
  return made;
}

/// An empty prompt, a text or a list, means that the responses are whole.
void read_prompt(const RecordFields& fields, bool chat, JudgedRecord& made) {
  const JsonReader prompt = fields.field("prompt");
  made.whole = chat ? prompt.list().empty() : prompt.string().empty();
  if (!chat) {
    made.prompt = prompt.string();
  } else if (made.whole) {
    made.chat.messages = Json::array();
  } else {
    made.chat = fields.conversation(fields.question("prompt"));
  }
}

}  // namespace

Json read_id(const JsonReader& id) {
  if (!id.is_string() && !id.is_integer()) id.fail("a text or a whole number");
  return id.value();
}

JudgedRecord read_judged(const RecordFields& fields, bool chat) {
  JudgedRecord made;
  if (const auto id = fields.optional("id")) made.id = read_id(*id);
  read_prompt(fields, chat, made);
  const JsonReader responses = fields.field("responses"), judgments = fields.field("judgments");
  responses.for_each_item([&](const JsonReader& item) { made.responses.push_back(response_of(item, made)); });
  made.domain = fields.optional_text("domain");
  made.belief = fields.optional_text("belief");
  if (made.responses.empty()) responses.fail("2 to 64 responses");
  judgments.for_each_item(
      [&](const JsonReader& item) { made.judgments.push_back(read_judgment(item, made.responses)); });
  if (const auto gold = fields.optional("gold")) made.gold = read_gold(*gold, made.responses);
  if (const auto label = fields.optional("label")) made.label = label_of(*label, made.responses);
  made.extra = fields.rest();
  check_judged(made, fields.place());
  return made;
}

Preference majority_of(JudgedRecord record) {
  Preference made{.prompt = std::move(record.prompt), .pairs = majority_pairs(record)};
  for (JudgedResponse& response : record.responses) made.answers.push_back(std::move(response.answer));
  made.chat = std::move(record.chat);
  made.whole = record.whole;
  return made;
}

}  // namespace rlhf
