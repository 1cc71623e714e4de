// Battles of Chatbot Arena and MT-bench as judgments.
#include <algorithm>
#include <limits>
#include <utility>

#include "records/conversation.h"
#include "records/feedback/import.h"
#include "records/judged.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

/// The conversation up to the turn that was judged: a question and an answer each, after a system message.
Json judged_part(const JsonReader& list, std::int64_t turn) {
  const Json messages = read_messages(list, /*from_value=*/false);
  const std::size_t start = messages.front().at("role") == "system" ? 1 : 0;
  const std::size_t end = std::min(messages.size(), start + 2 * static_cast<std::size_t>(turn));
  return turns(messages, 0, end);
}

Answer answer_after(const Json& messages, std::size_t prompt, const std::string& place) {
  Json answer = turns(messages, prompt, messages.size());
  expect_answer_first(answer, place + " after the shared messages");
  expect_answer_last(answer, place + " after the shared messages");
  return {.turns = std::move(answer)};
}

Verdict verdict_of_winner(const JsonReader& winner) {
  const std::size_t found = winner.one_of({"model_a", "model_b", "tie", "tie (bothbad)"});
  if (found == 2) return {.kind = Verdict::Kind::tie};
  if (found == 3) return {.kind = Verdict::Kind::both_bad};
  return {.choice = static_cast<std::int32_t>(found)};
}

/// The judge: a name, or a list with the name of a model and of its instructions, as in MT-bench, where the names of
/// people begin with expert_ or author_.
Judgment judge_of(const FeedbackLine& line) {
  const JsonReader judge = line.fields.field("judge");
  if (!judge.is_list()) {
    const std::string& name = judge.string();
    const bool expert = name.starts_with("expert_") || name.starts_with("author_");
    return {.annotator = name, .role = expert ? AnnotatorRole::expert : line.role()};
  }
  std::string name;
  judge.for_each_item([&](const JsonReader& part) { name += (name.empty() ? "" : "/") + part.string(); });
  return {.annotator = name, .role = AnnotatorRole::ai};
}

}  // namespace

std::vector<JudgedRecord> import_battle(const FeedbackLine& line) {
  constexpr std::int64_t kMostTurns = 1'000'000;
  const RecordFields& fields = line.fields;
  const auto turn = fields.optional("turn");
  const std::int64_t turns_judged = turn ? turn->integer(1, kMostTurns) : kMostTurns;
  const JsonReader a = fields.field("conversation_a"), b = fields.field("conversation_b");
  const Json first = judged_part(a, turns_judged), second = judged_part(b, turns_judged);
  const std::size_t shared = shared_turns(first, second);
  if (shared == 0) b.fail("a beginning that both conversations share");
  JudgedRecord record;
  record.chat.messages = turns(first, 0, shared);
  record.responses = {{.answer = answer_after(first, shared, a.place()), .source = fields.optional_text("model_a")},
                      {.answer = answer_after(second, shared, b.place()), .source = fields.optional_text("model_b")}};
  if (const auto id = fields.optional("question_id")) record.id = read_id(*id);
  Judgment judgment = judge_of(line);
  judgment.verdict = verdict_of_winner(fields.field("winner"));
  judgment.extra = fields.rest();  // when and in what language this judge saw the pair
  if (turn) judgment.extra["turn"] = turn->value();
  record.judgments.push_back(std::move(judgment));
  return {std::move(record)};
}

}  // namespace rlhf
