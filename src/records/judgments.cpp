// Judgments of responses: what they mean, and what they must be.
#include "rlhf/records/judgments.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "rlhf/json/json_reader.h"
#include "rlhf/records/jsonl.h"

#include "records/ranking.h"

namespace rlhf {
namespace {

constexpr std::array<std::string_view, 3> kRoleNames = {"crowd", "expert", "ai"};

[[noreturn]] void fail_at(const std::string& place, const std::string& expected, const std::string& found) {
  throw BadRecord(place + ": expected " + expected + ", found " + found);
}

bool is_flat(const std::vector<std::int32_t>& places) { return std::ranges::max(places) == 0; }

/// Whether one verdict prefers a response to another and the other one the reverse, or only one of them is a tie.
bool contradict(const std::vector<std::int32_t>& first, const std::vector<std::int32_t>& second) {
  if (is_flat(first) != is_flat(second)) return true;
  for (std::size_t a = 0; a < first.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      if ((first[a] - first[b]) * (second[a] - second[b]) < 0) return true;
  return false;
}

/// The texts of messages, a line each; of all roles if `role` is empty.
std::string text_of(const nlohmann::ordered_json& messages, std::string_view role) {
  std::string text;
  const auto add = [&](const nlohmann::ordered_json& part) {
    text += (text.empty() ? "" : "\n") + part.get<std::string>();
  };
  for (const auto& message : messages) {
    if (!role.empty() && message.value("role", "") != role) continue;
    const auto content = message.find("content");
    if (content == message.end()) continue;
    if (content->is_string()) add(*content);
    if (!content->is_array()) continue;
    for (const auto& part : *content)
      if (part.is_object() && part.contains("text") && part["text"].is_string()) add(part["text"]);
  }
  return text;
}

void check_responses(const JudgedRecord& record, const std::string& place) {
  const std::size_t count = record.responses.size();
  if (count < 2 || count > kMaxRanked)
    fail_at(place + ": responses", "2 to " + std::to_string(kMaxRanked) + " responses", std::to_string(count));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& id = record.responses[i].id;
    const std::string at = place + ": responses[" + std::to_string(i) + "].id";
    if (id == "tie" || id == "both_bad") fail_at(at, "another id, because this is a value of `gold`", shown_json(id));
    if (!id.empty() && !ids.insert(id).second) fail_at(at, "an id of its own", shown_json(id) + " again");
  }
}

}  // namespace

std::string_view name_of(AnnotatorRole role) { return kRoleNames.at(static_cast<std::size_t>(role)); }

std::vector<std::int32_t> Verdict::places(std::size_t responses) const {
  std::vector<std::int32_t> places(responses, 0);
  if (kind == Kind::choice) {
    std::ranges::fill(places, 1);
    places.at(static_cast<std::size_t>(choice)) = 0;
  } else if (kind == Kind::ranks) {
    const std::set<double> different(ranks.begin(), ranks.end());
    for (std::size_t i = 0; i < responses; ++i)
      places[i] = static_cast<std::int32_t>(std::distance(different.begin(), different.find(ranks.at(i))));
  }
  return places;
}

std::optional<int> Verdict::preference(std::size_t responses, std::size_t first, std::size_t second) const {
  const std::vector<std::int32_t> order = places(responses);
  if (order.at(first) != order.at(second)) return order[first] < order[second] ? 1 : -1;
  return kind == Kind::choice ? std::nullopt : std::optional(0);
}

std::string text_of(const Answer& answer) { return answer.turns.empty() ? answer.text : text_of(answer.turns, ""); }

std::string asked_text(const std::string& prompt, const Conversation& chat) {
  return chat ? text_of(chat.messages, "user") : prompt;
}

void check_judged(const JudgedRecord& record, const std::string& place) {
  check_responses(record, place);
  if (record.judgments.empty()) fail_at(place + ": judgments", "at least one judgment", "none");
  struct Said {
    std::size_t index;
    std::vector<std::int32_t> places;
  };
  std::map<std::string, Said> said;  // the first judgment of every expert
  for (std::size_t i = 0; i < record.judgments.size(); ++i) {
    const Judgment& judgment = record.judgments[i];
    const std::string at = place + ": judgments[" + std::to_string(i) + "]";
    if (judgment.annotator.empty()) fail_at(at + ".annotator", "the name of the annotator", "an empty text");
    if (judgment.role != AnnotatorRole::expert) continue;
    const auto places = judgment.verdict.places(record.responses.size());
    const auto first = said.try_emplace(judgment.annotator, Said{i, places}).first->second;
    if (contradict(first.places, places))
      fail_at(at, "no contradiction to judgments[" + std::to_string(first.index) + "] of the same expert",
              "another answer of " + shown_json(judgment.annotator));
  }
}

std::vector<RankedPair> majority_pairs(const JudgedRecord& record) {
  const std::size_t count = record.responses.size();
  std::vector<double> lost(count, 0);  // minus the Borda count, so that the lowest is the best
  for (const Judgment& judgment : record.judgments) {
    const auto places = judgment.verdict.places(count);
    for (std::size_t a = 0; a < count; ++a)
      for (std::size_t b = 0; b < count; ++b) lost[a] += places[a] > places[b] ? 1 : places[a] < places[b] ? -1 : 0;
  }
  return pairs_of(lost);
}

double vote_share(const JudgedRecord& record, const RankedPair& pair) {
  double votes = 0;
  for (const Judgment& judgment : record.judgments) {
    const auto places = judgment.verdict.places(record.responses.size());
    const auto difference =
        places.at(static_cast<std::size_t>(pair.rejected)) - places.at(static_cast<std::size_t>(pair.chosen));
    votes += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
  }
  return votes / static_cast<double>(record.judgments.size());
}

}  // namespace rlhf
