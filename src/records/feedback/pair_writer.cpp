// Makes pairs of judged records.
#include "rlhf/records/pair_writer.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "rlhf/core/check_argument.h"

#include "records/record_fields.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

const JudgedResponse& response(const JudgedRecord& record, std::int32_t index) {
  return record.responses.at(static_cast<std::size_t>(index));
}

void add_number(Json& object, const char* key, const std::optional<double>& number) {
  if (number) object[key] = *number;
}

/// Signed steps of the judgments on scales of 5 or 7 steps; nullopt if there is none.
std::optional<double> mean_strength(const JudgedRecord& record, const RankedPair& pair) {
  double sum = 0, count = 0;
  for (const Judgment& judgment : record.judgments) {
    if (judgment.scale < 5) continue;
    const auto places = judgment.verdict.places(record.responses.size());
    const auto ahead =
        places.at(static_cast<std::size_t>(pair.rejected)) - places.at(static_cast<std::size_t>(pair.chosen));
    sum += judgment.strength * std::clamp(ahead, -1, 1);
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(std::max(0.0, sum / count));
}

void add_numbers(Json& made, const JudgedRecord& record, const RankedPair& pair) {
  const JudgmentLabel label = record.label.value_or(JudgmentLabel{});
  add_number(made, "margin", label.margin ? label.margin : mean_strength(record, pair));
  add_number(made, "weight", label.weight);
  if (label.probability || record.judgments.size() > 1)
    made["probability"] = label.probability.value_or(vote_share(record, pair));
}

/// A transcript of HH. A prompt that is no transcript becomes one turn of the human.
std::string transcript(const JudgedRecord& record, const std::string& text) {
  if (record.whole || record.prompt.ends_with(kAssistantTurn)) return record.prompt + text;
  const bool spaced = text.empty() || text.starts_with(' ') || text.starts_with('\n');
  return "\n\nHuman: " + record.prompt + std::string(kAssistantTurn) + (spaced ? "" : " ") + text;
}

Json joined(const Json& prompt, const Json& turns) {
  Json all = prompt;
  for (const Json& turn : turns) all.push_back(turn);
  return all;
}

std::vector<RankedPair> pairs_of_label(const JudgedRecord& record) {
  if (!record.label) return majority_pairs(record);
  return {{.chosen = record.label->chosen, .rejected = 1 - record.label->chosen}};
}

template <typename Items, typename Test>
std::int64_t count(const Items& items, const Test& test) {
  return static_cast<std::int64_t>(std::ranges::count_if(items, test));
}

/// Counts what pairs have no place for.
void count_losses(const JudgedRecord& record, Losses& losses) {
  const auto add = [&](const char* kind, std::int64_t number) {
    if (number > 0) losses[kind] += number;
  };
  const auto& judgments = record.judgments;
  add("who judged, and in which role", count(judgments, [](const Judgment&) { return true; }));
  add("ties", count(judgments, [](const Judgment& j) { return j.verdict.kind == Verdict::Kind::tie; }));
  add("judgments that both are bad",
      count(judgments, [](const Judgment& j) { return j.verdict.kind == Verdict::Kind::both_bad; }));
  add("single strengths", count(judgments, [](const Judgment& j) { return j.strength > 0; }));
  add("orders shown", count(judgments, [](const Judgment& j) { return !j.order.empty(); }));
  add("seconds", count(judgments, [](const Judgment& j) { return j.seconds.has_value(); }));
  add("tags of judgments", count(judgments, [](const Judgment& j) { return !j.tags.empty(); }));
  add("notes", count(judgments, [](const Judgment& j) { return !j.note.empty(); }));
  add("versions of guidelines", count(judgments, [](const Judgment& j) { return !j.guideline.empty(); }));
  add("other fields of judgments", count(judgments, [](const Judgment& j) { return !j.extra.empty(); }));
  add("checked answers (gold)", record.gold ? 1 : 0);
  add("methods and histories of labels",
      record.label && (!record.label->method.empty() || !record.label->history.empty()) ? 1 : 0);
  add("ids, sources and other fields of responses", count(record.responses, [](const JudgedResponse& r) {
        return !r.id.empty() || !r.source.empty() || !r.extra.empty();
      }));
}

}  // namespace

PairWriter::PairWriter(FeedbackFormat format) : format_(format) {
  check_argument(format == FeedbackFormat::trl || format == FeedbackFormat::hh, "format", "trl or hh",
                 info_of(format).name);
}

Json PairWriter::pair(const JudgedRecord& record, const RankedPair& pair) {
  const Answer &chosen = response(record, pair.chosen).answer, &rejected = response(record, pair.rejected).answer;
  Json made = Json::object();
  if (!record.id.is_null()) made["id"] = record.id;
  const bool apart = format_ == FeedbackFormat::trl && !record.whole;
  if (record.chat) {
    const Json& prompt = record.chat.messages;
    if (apart) made["prompt"] = prompt;
    made["chosen"] = apart ? chosen.turns : joined(prompt, chosen.turns);
    made["rejected"] = apart ? rejected.turns : joined(prompt, rejected.turns);
  } else {
    if (apart) made["prompt"] = record.prompt;
    made["chosen"] = apart ? chosen.text : transcript(record, chosen.text);
    made["rejected"] = apart ? rejected.text : transcript(record, rejected.text);
  }
  add_numbers(made, record, pair);
  if (!record.domain.empty()) made["domain"] = record.domain;
  if (!record.chat.tools.is_null()) made["tools"] = record.chat.tools;
  if (!record.chat.template_kwargs.is_null()) made["chat_template_kwargs"] = record.chat.template_kwargs;
  for (const auto& [key, value] : record.extra.items()) {
    if (made.contains(key)) {
      ++losses_["fields `" + key + "`, a name that pairs use"];
    } else {
      made[key] = value;
    }
  }
  return made;
}

std::vector<Json> PairWriter::pairs(const JudgedRecord& record) {
  std::vector<Json> made;
  for (const RankedPair& one : pairs_of_label(record)) made.push_back(pair(record, one));
  count_losses(record, losses_);
  if (made.empty()) ++losses_["records without a majority"];
  const bool is_plain = !record.chat && !record.whole && !record.prompt.ends_with(kAssistantTurn);
  if (format_ == FeedbackFormat::hh && is_plain) ++losses_["prompts as they were: they became a turn of the human"];
  if (record.responses.size() > 2) ++losses_["which pairs are of one ranking"];
  return made;
}

}  // namespace rlhf
