// Reads the fields of a record.
#include "records/record_fields.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "rlhf/records/jsonl.h"

#include "records/conversation.h"
#include "records/ranking.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

// The prompt published with the Alpaca data; the response follows without white space.
constexpr std::string_view kAlpacaWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response "
    "that appropriately completes the request.\n\n### Instruction:\n";
constexpr std::string_view kAlpacaWithoutInput =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### "
    "Instruction:\n";

constexpr std::string_view kAssistant = "\n\nAssistant:";

/// Rewards differ by a few units. A margin near the largest float makes losses that are not finite.
constexpr double kMaxMargin = 1e6;

}  // namespace

std::string place_of(const JsonLine& line) { return line.file.string() + ":" + std::to_string(line.line); }

bool RecordFields::is_text(const std::string& ours) const { return field(ours).is_string(); }

std::string RecordFields::optional_text(const std::string& ours) const {
  return field(ours).is_absent() ? "" : text(ours);
}

std::vector<RankedPair> RecordFields::pair() const {
  const JsonReader margin = field("margin");
  if (margin.is_absent()) return {{}};
  const std::string expected = "a number of at least 0";
  const double number = margin.number(expected);
  if (number < 0) margin.fail(expected);
  if (number > kMaxMargin) margin.fail("a number of at most 1000000");
  return {{.margin = static_cast<float>(number)}};
}

std::string RecordFields::alpaca_prompt() const {
  const std::string instruction = text("instruction"), input = optional_text("input");
  std::string prompt(input.empty() ? kAlpacaWithoutInput : kAlpacaWithInput);
  prompt += instruction;
  if (!input.empty()) prompt += "\n\n### Input:\n" + input;
  return prompt + "\n\n### Response:";
}

Json RecordFields::messages(const std::string& ours) const { return read_messages(field(ours)); }

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

Json RecordFields::sharegpt() const {
  Json list = read_sharegpt(field("conversations"), optional_text("system"));
  expect_answer_last(list, where("conversations"));
  return list;
}

Conversation RecordFields::conversation(Json messages) const {
  Conversation chat{.messages = std::move(messages)};
  if (const auto tools = record_.find(names_("tools"))) chat.tools = tools->list("a list of tools");
  if (const auto kwargs = record_.find(names_("chat_template_kwargs")))
    chat.template_kwargs = kwargs->object("an object {name: value}");
  return chat;
}

Preference RecordFields::split_transcripts() const {
  const std::string chosen = text("chosen"), rejected = text("rejected");
  const auto differ = std::mismatch(chosen.begin(), chosen.end(), rejected.begin(), rejected.end()).first;
  const std::string_view shared(chosen.data(), static_cast<std::size_t>(differ - chosen.begin()));
  const auto last = shared.rfind(kAssistant);
  if (last == std::string_view::npos)
    throw BadRecord(where("chosen") + ": expected a transcript \"\\n\\nHuman: …\\n\\nAssistant: …\" with the same " +
                    "beginning as " + names_("rejected") + ", found no \"\\n\\nAssistant:\" in the common beginning; " +
                    "hint: put the prompt into a separate field");
  const std::size_t boundary = last + kAssistant.size();
  return {chosen.substr(0, boundary), {{chosen.substr(boundary)}, {rejected.substr(boundary)}}, pair()};
}

Preference RecordFields::split_conversations() const {
  const Json chosen = messages("chosen"), rejected = messages("rejected");
  const std::size_t shared = shared_turns(chosen, rejected);
  if (shared == 0)
    throw BadRecord(where("chosen") + "[0]: expected the first message of " + names_("rejected") +
                    " (the common beginning is the prompt), found " + shown_json(chosen.front()));
  const auto rest = [&](const Json& list, const char* ours) {
    Json answer = turns(list, shared, list.size());
    expect_answer_first(answer, where(ours) + " after the shared messages");
    expect_answer_last(answer, where(ours) + " after the shared messages");
    return Answer{.turns = std::move(answer)};
  };
  return {.answers = {rest(chosen, "chosen"), rest(rejected, "rejected")},
          .pairs = pair(),
          .chat = conversation(turns(chosen, 0, shared))};
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

}  // namespace rlhf
