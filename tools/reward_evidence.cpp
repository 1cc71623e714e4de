// Collects scored records.
#include "reward_evidence.h"

#include <algorithm>
#include <cmath>

namespace rlhf {
namespace {

/// The probability that two different ones of the decisive votes agree.
double agreement_of(const PairVotes& votes) {
  const double count = votes.first + votes.second;
  return (votes.first * (votes.first - 1) + votes.second * (votes.second - 1)) / (count * (count - 1));
}

/// 1 if the highest score is that of a right answer; if several answers share it, the share of right ones.
double best_is_right(const std::vector<float>& scores, std::size_t right) {
  const float highest = *std::max_element(scores.begin(), scores.end());
  const auto count = [&](auto begin, auto end) { return static_cast<double>(std::count(begin, end, highest)); };
  const auto middle = scores.begin() + static_cast<std::ptrdiff_t>(right);
  return count(scores.begin(), middle) / count(scores.begin(), scores.end());
}

StyledScores styled_scores(const std::vector<float>& scores) {
  StyledScores made;
  std::copy_n(scores.begin(), 3, made.right.begin());
  std::copy_n(scores.begin() + 3, 3, made.wrong.begin());
  return made;
}

}  // namespace

void EvidenceSlice::add(double margin, double length, std::int32_t prompt, const PairVotes& votes) {
  const double decisive = votes.first + votes.second;
  if (decisive == 0) return;
  pairs.margins.push_back(margin);
  pairs.truths.push_back(votes.first / decisive);
  lengths.push_back(length);
  prompts.push_back(prompt);
  if (decisive > 1) agreement.add(agreement_of(votes), prompt);
}

void RewardEvidence::add(const ComparedRecord& record, const std::vector<float>& answer_scores,
                         const std::vector<std::int64_t>& answer_lengths, std::int32_t prompt) {
  ++records;
  for (std::size_t i = 0; i < answer_scores.size(); ++i) {
    scores.push_back(static_cast<double>(answer_scores[i]));
    lengths.push_back(static_cast<double>(answer_lengths[i]));
    prompts.push_back(prompt);
  }
  for (const ComparedPair& pair : record.pairs) {
    const auto first = static_cast<std::size_t>(pair.first), second = static_cast<std::size_t>(pair.second);
    const double margin = static_cast<double>(answer_scores[first]) - static_cast<double>(answer_scores[second]);
    const auto length = static_cast<double>(answer_lengths[first] - answer_lengths[second]);
    if (pair.gold) gold.add(margin, length, prompt, *pair.gold);
    if (pair.votes.neither > pair.votes.first + pair.votes.second) {
      tied.push_back(std::abs(margin));
      continue;
    }
    all.add(margin, length, prompt, pair.votes);
    if (!record.domain.empty()) domains[record.domain].add(margin, length, prompt, pair.votes);
    for (std::size_t role = 0; role < roles.size(); ++role) roles[role].add(margin, length, prompt, pair.by_role[role]);
  }
  if (record.styled) {
    styled.push_back(styled_scores(answer_scores));
    styled_prompts.push_back(prompt);
  } else if (record.right > 0) {
    best_of_n.add(best_is_right(answer_scores, record.right), prompt);
  }
}

}  // namespace rlhf
