// Reads what an annotator said about responses.
#include "records/verdict.h"

#include <algorithm>
#include <string>

#include "rlhf/records/jsonl.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using Responses = std::vector<JudgedResponse>;

constexpr double kMaxSeconds = 1e9;

std::string ways_to_name(const Responses& responses) {
  const std::string index = "an index from 0 to " + std::to_string(responses.size() - 1);
  Json ids = Json::array();
  for (const JudgedResponse& response : responses)
    if (!response.id.empty()) ids.push_back(response.id);
  return ids.empty() ? index : "one of the ids " + shown_json(ids) + " or " + index;
}

std::vector<double> read_ranks(const JsonReader& list, std::size_t responses) {
  const std::string expected = "a list of " + std::to_string(responses) + " ranks, one for each response";
  if (list.list(expected).size() != responses) list.fail(expected, "a list of " + std::to_string(list.list().size()));
  std::vector<double> ranks;
  list.for_each_item(
      [&](const JsonReader& rank) { ranks.push_back(rank.number("a number (the lowest is the best)")); });
  return ranks;
}

std::vector<std::int32_t> read_order(const JsonReader& list, const Responses& responses) {
  const std::string expected = "all " + std::to_string(responses.size()) + " responses, in the order shown";
  if (list.list(expected).size() != responses.size()) list.fail(expected);
  std::vector<std::int32_t> order;
  list.for_each_item([&](const JsonReader& item) {
    const std::int32_t response = read_response_name(item, responses);
    if (std::ranges::count(order, response) > 0) item.fail("every response once");
    order.push_back(response);
  });
  return order;
}

/// Exactly one of choice, ranks, tie and both_bad.
Verdict read_verdict(const JsonReader& judgment, const Responses& responses) {
  const auto choice = judgment.find("choice"), ranks = judgment.find("ranks");
  const bool both_bad = judgment.boolean_or("both_bad", false), tie = judgment.boolean_or("tie", false);
  std::vector<std::string_view> said;
  if (choice) said.push_back("choice");
  if (ranks) said.push_back("ranks");
  if (both_bad) said.push_back("both_bad");
  if (tie && !both_bad) said.push_back("tie");
  if (said.size() != 1)
    judgment.fail("exactly one of choice, ranks, tie and both_bad", said.empty() ? "none" : joined_names(said));
  if (choice) return {.choice = read_response_name(*choice, responses)};
  if (ranks) return {.kind = Verdict::Kind::ranks, .ranks = read_ranks(*ranks, responses.size())};
  return {.kind = both_bad ? Verdict::Kind::both_bad : Verdict::Kind::tie};
}

std::int32_t read_scale(const JsonReader& scale, Verdict::Kind kind) {
  constexpr std::int32_t kScales[] = {2, 3, 5, 7};
  const bool known = std::ranges::any_of(kScales, [&](std::int32_t steps) { return scale.value() == steps; });
  if (!known || !scale.is_integer()) scale.fail("2, 3, 5 or 7 steps");
  if (kind == Verdict::Kind::ranks) scale.fail("no scale beside ranks");
  if (kind != Verdict::Kind::choice && scale.value() == 2)
    scale.fail("3, 5 or 7 steps, because 2 have no middle for a tie");
  return scale.value().get<std::int32_t>();
}

/// The strength of a verdict on a scale. Scales of 2 and 3 steps have only one strength, which need not be given.
std::int32_t read_strength(const JsonReader& judgment, Verdict::Kind kind, std::int32_t scale) {
  const auto strength = judgment.find("strength");
  if (kind != Verdict::Kind::choice) {
    if (strength && strength->value() != 0) strength->fail("0 beside a tie");
    return 0;
  }
  const std::int32_t most = scale / 2;
  if (!strength && most == 1) return 1;
  const JsonReader steps = judgment.at("strength");
  if (!steps.is_integer() || steps.value() < 1 || steps.value() > most)
    steps.fail("a whole number from 1 to " + std::to_string(most) + ", steps from the middle of a scale of " +
               std::to_string(scale));
  return steps.value().get<std::int32_t>();
}

}  // namespace

Json rest_of(const JsonReader& object, const FieldList& known) {
  Json rest = Json::object();
  object.for_each_entry([&](const std::string& key, const JsonReader& value) {
    if (!known.contains(key) && !value.is_null()) rest[key] = value.value();
  });
  return rest;
}

std::optional<double> number_in(const std::optional<JsonReader>& value, double low, double high) {
  if (!value) return std::nullopt;
  const std::string expected = "a number from " + Json(low).dump() + " to " + Json(high).dump();
  const double number = value->number(expected);
  if (number < low || number > high) value->fail(expected);
  return number;
}

std::int32_t read_response_name(const JsonReader& value, const Responses& responses) {
  if (value.is_string() && !value.string().empty()) {
    const auto found = std::ranges::find(responses, value.string(), &JudgedResponse::id);
    if (found != responses.end()) return static_cast<std::int32_t>(found - responses.begin());
  } else if (value.is_integer() && value.value() >= 0 && value.value() < responses.size()) {
    return value.value().get<std::int32_t>();
  }
  value.fail(ways_to_name(responses));
}

Judgment read_judgment(const JsonReader& judgment, const Responses& responses) {
  judgment.object("a judgment {\"annotator\", \"choice\"}");
  Judgment made{.annotator = judgment.at("annotator").string(), .verdict = read_verdict(judgment, responses)};
  if (const auto role = judgment.find("role"))
    made.role = static_cast<AnnotatorRole>(role->one_of({"crowd", "expert", "ai"}));
  if (const auto scale = judgment.find("scale")) {
    made.scale = read_scale(*scale, made.verdict.kind);
    made.strength = read_strength(judgment, made.verdict.kind, made.scale);
  } else if (judgment.has("strength")) {
    judgment.at("scale").fail("2, 3, 5 or 7, the steps of the scale of `strength`");
  }
  if (const auto order = judgment.find("order")) made.order = read_order(*order, responses);
  made.seconds = number_in(judgment.find("seconds"), 0, kMaxSeconds);
  if (const auto tags = judgment.find("tags"))
    tags->for_each_item([&](const JsonReader& tag) { made.tags.push_back(tag.string()); });
  made.note = judgment.string_or("note", "");
  made.guideline = judgment.string_or("guideline", "");
  made.extra = rest_of(judgment, kJudgmentFields);
  return made;
}

Verdict read_gold(const JsonReader& gold, const Responses& responses) {
  if (gold.is_string() && gold.string() == "tie") return {.kind = Verdict::Kind::tie};
  if (gold.is_string() && gold.string() == "both_bad") return {.kind = Verdict::Kind::both_bad};
  if (gold.is_list()) return {.kind = Verdict::Kind::ranks, .ranks = read_ranks(gold, responses.size())};
  return {.choice = read_response_name(gold, responses)};
}

}  // namespace rlhf
