// Reads records that compare answers.
#include "rlhf/records/compared.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rlhf/config/stage.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/records/jsonl.h"

#include "records/answered_line.h"
#include "records/judged.h"
#include "records/record_fields.h"

namespace rlhf {
namespace {

constexpr std::size_t kStyles = 3;

/// Counts one verdict about the responses a < b: +1 for a, −1 for b, 0 for neither.
void count_vote(PairVotes& votes, int preference) {
  (preference > 0 ? votes.first : preference < 0 ? votes.second : votes.neither) += 1;
}

/// What a verdict says about two responses; nullopt if it says nothing, because another one was chosen.
std::optional<int> preference_of(const Verdict& verdict, std::size_t responses, std::size_t a, std::size_t b) {
  const auto places = verdict.places(responses);
  const bool neither_chosen = verdict.kind == Verdict::Kind::choice && places[a] == places[b];
  if (neither_chosen) return std::nullopt;
  return places[a] < places[b] ? 1 : places[a] > places[b] ? -1 : 0;
}

/// The pair with the answer in front that most votes prefer.
ComparedPair majority_first(ComparedPair pair) {
  if (pair.votes.second <= pair.votes.first) return pair;
  const auto turn = [](PairVotes& votes) { std::swap(votes.first, votes.second); };
  std::swap(pair.first, pair.second);
  turn(pair.votes);
  for (PairVotes& votes : pair.by_role) turn(votes);
  if (pair.gold) turn(*pair.gold);
  return pair;
}

std::vector<ComparedPair> judged_pairs(const JudgedRecord& record) {
  std::vector<ComparedPair> pairs;
  const std::size_t responses = record.responses.size();
  for (std::size_t b = 0; b < responses; ++b)
    for (std::size_t a = 0; a < b; ++a) {
      ComparedPair pair{static_cast<std::int32_t>(a), static_cast<std::int32_t>(b)};
      bool compared = false;
      for (const Judgment& judgment : record.judgments) {
        const auto preference = preference_of(judgment.verdict, responses, a, b);
        if (!preference) continue;
        compared = true;
        count_vote(pair.votes, *preference);
        count_vote(pair.by_role[static_cast<std::size_t>(judgment.role)], *preference);
      }
      if (record.gold)
        if (const auto preference = preference_of(*record.gold, responses, a, b))
          count_vote(pair.gold.emplace(), *preference);
      if (compared) pairs.push_back(majority_first(pair));
    }
  return pairs;
}

/// The pairs that a record orders, then every two of `equals` answers that it does not order, as ties.
std::vector<ComparedPair> ordered_pairs(const std::vector<RankedPair>& ordered, std::size_t equals) {
  std::vector<ComparedPair> pairs;
  std::set<std::pair<std::int32_t, std::int32_t>> known;
  for (const RankedPair& pair : ordered) {
    const double target = pair.target;
    pairs.push_back(majority_first({pair.chosen, pair.rejected, {.first = target, .second = 1 - target}}));
    known.insert(std::minmax(pair.chosen, pair.rejected));
  }
  for (std::int32_t b = 0; b < static_cast<std::int32_t>(equals); ++b)
    for (std::int32_t a = 0; a < b; ++a)
      if (!known.contains({a, b})) pairs.push_back({a, b, {.neither = 1}});
  return pairs;
}

/// Reads the records of one file.
class ComparedReader {
 public:
  ComparedReader(const ComparedReading& reading)
      : reading_(reading),
        names_(reading.prompt_field == "prompt" ? std::map<std::string, std::string>()
                                                : std::map<std::string, std::string>{{"prompt", reading.prompt_field}},
               Stage::reward_model) {}

  ComparedRecord read(const JsonLine& line) const {
    const JsonReader record = reader_of(line);
    ComparedRecord made = record.has("judgments") ? judged(line) : ordered(line, record);
    made.domain = domain_of(record);
    return made;
  }

 private:
  ComparedRecord judged(const JsonLine& line) const {
    const bool chat = reader_of(line).at(names_("prompt")).is_list();
    JudgedRecord record = read_judged(RecordFields(line, names_), chat);
    ComparedRecord made{.pairs = judged_pairs(record)};
    made.answered = {.kind = AnsweredRecord::Kind::list,
                     .content = majority_of(std::move(record)),
                     .record = line.value,
                     .place = place_of(line)};
    return made;
  }

  ComparedRecord ordered(const JsonLine& line, const JsonReader& record) const {
    ComparedRecord made{.answered = read_answered(line, names_)};
    if (made.answered.content.pairs.empty())
      throw BadRecord(place_of(line) +
                      ": expected answers in an order (chosen and rejected, ranks or judgments), found " +
                      shown_keys(line.value));
    const Preference& content = made.answered.content;
    const bool sorted = made.answered.kind == AnsweredRecord::Kind::list && record.has("chosen");
    if (sorted) made.right = record.at("chosen").list().size();
    made.styled = sorted && made.right == kStyles && content.answers.size() == 2 * kStyles && !record.has("subset");
    made.pairs = ordered_pairs(content.pairs, made.styled ? 0 : sorted ? made.right : content.answers.size());
    return made;
  }

  std::string domain_of(const JsonReader& record) const {
    if (!reading_.domain_field.empty()) return record.string_or(reading_.domain_field, "");
    return record.string_or("domain", record.string_or("subset", ""));
  }

  const ComparedReading& reading_;
  FieldNames names_;
};

}  // namespace

void for_each_compared(const std::vector<std::string>& patterns, const ComparedReading& reading,
                       const std::function<void(ComparedRecord)>& sink) {
  check_given(sink, "sink", "a function");
  const ComparedReader reader(reading);
  bool any = false;
  for (const std::filesystem::path& file : expand_globs(patterns)) {
    refuse_other_files(file);
    for_each_json_line(file, /*max_bad_lines=*/0, [&](const JsonLine& line) {
      any = true;
      sink(reader.read(line));
    });
  }
  if (any) return;
  const std::string files = patterns.empty() ? "no file" : patterns.front();
  throw DataError("cannot read " + files + ": expected at least one record, found none");
}

}  // namespace rlhf
