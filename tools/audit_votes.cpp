// Judgments of a file as votes on pairs of completions.
#include "audit_votes.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

std::optional<std::int32_t> choice_between(const Verdict& verdict, std::size_t responses, std::size_t a,
                                           std::size_t b) {
  const std::optional<int> preference = verdict.preference(responses, a, b);
  if (!preference) return std::nullopt;
  return *preference == 0 ? kTied : *preference > 0 ? kFirst : kSecond;
}

std::int32_t turned(std::int32_t choice, bool swapped) {
  return choice == kTied || !swapped ? choice : kFirst + kSecond - choice;
}

std::int32_t shown_first(const std::vector<std::int32_t>& order, std::size_t a, std::size_t b) {
  for (const std::int32_t response : order) {
    if (response == static_cast<std::int32_t>(a)) return kFirst;
    if (response == static_cast<std::int32_t>(b)) return kSecond;
  }
  return kNoChoice;
}

double strength_of(const Judgment& judgment, std::int32_t choice) {
  if (choice == kTied) return 0;
  if (judgment.strength == 0) return std::numeric_limits<double>::quiet_NaN();
  const double share = static_cast<double>(judgment.strength) / (judgment.scale / 2);
  return choice == kFirst ? share : -share;
}

std::string name_of_record(const JudgedRecord& record, std::int64_t index) {
  if (record.id.is_string()) return record.id.get<std::string>();
  return record.id.is_null() ? "record " + std::to_string(index + 1) : record.id.dump();
}

}  // namespace

Numbering::Place Numbering::operator()(const std::string& text) {
  const auto [at, is_new] = numbers_.try_emplace(text, static_cast<std::int32_t>(numbers_.size()));
  return {at->second, is_new};
}

VoteCollector::VoteCollector() {
  all_.votes.choices = 3;
  all_.details.tie = kTied;
}

std::vector<std::int32_t> VoteCollector::add_completions(const JudgedRecord& record, const std::string& name) {
  const std::string prompt =
      std::to_string(prompts_(record.chat ? record.chat.messages.dump() : record.prompt).number) + "\n";
  const auto belief = belief_of(record.belief, asked_text(record.prompt, record.chat));
  std::vector<std::int32_t> numbers;
  for (const JudgedResponse& response : record.responses) {
    const std::string text = text_of(response.answer);
    const auto [number, is_new] = completions_(prompt + text);
    if (is_new) {
      all_.features.push_back(text_features(text, belief));
      all_.completions.push_back(name + "/" + (response.id.empty() ? std::to_string(numbers.size()) : response.id));
    }
    numbers.push_back(number);
  }
  return numbers;
}

VoteCollector::Item VoteCollector::add_item(const CompletionPair& pair, const std::string& name) {
  const auto [low, high] = std::minmax(pair.first, pair.second);
  const auto [number, is_new] = items_(std::to_string(low) + " " + std::to_string(high));
  const auto record = static_cast<std::int32_t>(all_.records);
  if (is_new) {
    all_.items.push_back({pair, record, name});
    all_.details.gold.push_back(kNoChoice);
    has_gold_.push_back(false);
  } else if (all_.items[number].record != record) {
    all_.repeats.push_back(name);
  }
  return {number, all_.items[number].completions.first != pair.first};
}

void VoteCollector::add_gold(const JudgedRecord& record, std::size_t a, std::size_t b, const Item& item,
                             const std::string& name) {
  const auto choice = record.gold ? choice_between(*record.gold, record.responses.size(), a, b) : std::nullopt;
  if (!choice) return;
  std::int32_t& gold = all_.details.gold[item.number];
  const std::int32_t found = turned(*choice, item.swapped);
  if (!has_gold_[item.number]) {
    gold = found;
    has_gold_[item.number] = true;
  } else if (gold != found && gold != kNoChoice) {
    gold = kNoChoice;
    all_.gold_conflicts.push_back(name);
  }
}

std::int32_t VoteCollector::annotator_of(const Judgment& judgment) {
  const auto [number, is_new] = annotators_(std::string(name_of(judgment.role)) + " " + judgment.annotator);
  if (is_new) all_.annotators.push_back({judgment.annotator, judgment.role});
  return number;
}

std::int32_t VoteCollector::domain_of(const std::string& domain) {
  const auto [number, is_new] = domains_(domain);
  if (is_new) all_.domains.push_back(domain);
  return number;
}

void VoteCollector::add_vote(const JudgedRecord& record, const Judgment& judgment, std::size_t a, std::size_t b,
                             const Item& item) {
  const auto choice = choice_between(judgment.verdict, record.responses.size(), a, b);
  if (!choice) return;
  const std::int32_t found = turned(*choice, item.swapped);
  const std::int32_t first = shown_first(judgment.order, a, b);
  all_.votes.list.push_back({item.number, annotator_of(judgment), found});
  all_.details.shown_first.push_back(first == kNoChoice ? first : turned(first, item.swapped));
  all_.details.seconds.push_back(judgment.seconds.value_or(std::numeric_limits<double>::quiet_NaN()));
  all_.strengths.push_back(strength_of(judgment, found));
  all_.domain.push_back(domain_of(record.domain));
}

void VoteCollector::add(const JudgedRecord& record) {
  const std::string name = name_of_record(record, all_.records);
  const std::vector<std::int32_t> completions = add_completions(record, name);
  for (std::size_t a = 0; a < completions.size(); ++a)
    for (std::size_t b = a + 1; b < completions.size(); ++b) {
      if (completions[a] == completions[b]) {
        all_.same_texts.push_back(name);
        continue;
      }
      const Item item = add_item({completions[a], completions[b]}, name);
      add_gold(record, a, b, item, name);
      for (const Judgment& judgment : record.judgments) add_vote(record, judgment, a, b, item);
    }
  for (const Judgment& judgment : record.judgments) all_.both_bad += judgment.verdict.kind == Verdict::Kind::both_bad;
  all_.judgments += static_cast<std::int64_t>(record.judgments.size());
  ++all_.records;
}

AuditedVotes VoteCollector::take(const std::string& file) {
  if (all_.votes.list.empty())
    throw DataError("auditing " + file + ": expected a judgment of two different texts, found none");
  all_.votes.items = static_cast<std::int32_t>(all_.items.size());
  all_.votes.annotators = static_cast<std::int32_t>(all_.annotators.size());
  return std::move(all_);
}

}  // namespace rlhf
