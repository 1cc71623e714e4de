// Labels of judgments for training and evaluation.
#include "data/judgment_collector.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "rlhf/core/error.h"
#include "rlhf/feedback/text_features.h"

namespace rlhf {
namespace {

std::size_t bias_of(const std::string& name) {
  const auto found = std::ranges::find(kTextFeatureNames, name);
  if (found != kTextFeatureNames.end()) return static_cast<std::size_t>(found - kTextFeatureNames.begin());
  std::string known;
  for (const std::string_view other : kTextFeatureNames) known += (known.empty() ? "" : ", ") + std::string(other);
  throw ConfigError({"reward_model.biases: expected names of " + known + ", found \"" + name + "\""});
}

/// The difference of length is hardly ever zero, so it would be in play everywhere.
bool can_be_in_play(std::size_t bias) { return bias != static_cast<std::size_t>(TextFeature::length); }

JudgedRecord of_experts(const JudgedRecord& record) {
  JudgedRecord experts = record;
  std::erase_if(experts.judgments, [](const Judgment& judgment) { return judgment.role != AnnotatorRole::expert; });
  return experts;
}

/// The side that more experts prefer: +1 for the first, −1 for the second, 0 if none.
std::int8_t anchor_of(const JudgedRecord& record, std::size_t first, std::size_t second) {
  int sum = 0;
  for (const Judgment& judgment : record.judgments)
    if (judgment.role == AnnotatorRole::expert)
      sum += judgment.verdict.preference(record.responses.size(), first, second).value_or(0);
  return static_cast<std::int8_t>(sum > 0 ? 1 : sum < 0 ? -1 : 0);
}

/// +1 if the first response was shown before the second, −1 if after it, 0 if that is not known.
std::int8_t position_of(const std::vector<std::int32_t>& order, std::size_t first, std::size_t second) {
  for (const std::int32_t response : order) {
    if (static_cast<std::size_t>(response) == first) return 1;
    if (static_cast<std::size_t>(response) == second) return -1;
  }
  return 0;
}

std::vector<RankedPair> pairs_of(const Verdict& verdict, std::size_t responses) {
  std::vector<RankedPair> pairs;
  for (std::size_t a = 0; a < responses; ++a)
    for (std::size_t b = a + 1; b < responses; ++b) {
      const int preference = verdict.preference(responses, a, b).value_or(0);
      const auto first = static_cast<std::int32_t>(a), second = static_cast<std::int32_t>(b);
      if (preference > 0) pairs.push_back({first, second});
      if (preference < 0) pairs.push_back({second, first});
    }
  return pairs;
}

}  // namespace

JudgmentCollector::JudgmentCollector(JudgmentReading reading) : reading_(std::move(reading)) {
  for (const std::string& name : reading_.biases) {
    biases_.push_back(bias_of(name));
    all_.features.push_back(name);
    all_.votes.features.is_bias.push_back(can_be_in_play(biases_.back()));
  }
  for (const AnnotatorFeature& feature : reading_.features) {
    all_.features.push_back(feature.name);
    all_.votes.features.is_bias.push_back(feature.in_play);
  }
}

void JudgmentCollector::label(Preference& record, const RecordPlace& place) {
  if (!record.judged || reading_.method == AnnotatorMethod::majority) return;
  const auto features = features_of(*record.judged, place);
  if (learns_labels(reading_.method)) {
    collect(record, *record.judged, place, features);
  } else {
    label_in_play(record, *record.judged, features);
  }
}

void JudgmentCollector::label_in_play(Preference& record, const JudgedRecord& judged,
                                      const std::vector<std::vector<double>>& features) {
  const JudgedRecord experts = of_experts(judged);
  all_.expert_votes += static_cast<std::int64_t>(experts.judgments.size());
  if (!experts.judgments.empty()) {
    record.pairs = majority_pairs(experts);
    return;
  }
  std::erase_if(record.pairs, [&](const RankedPair& pair) {
    const bool drop =
        in_play(features[static_cast<std::size_t>(pair.chosen)], features[static_cast<std::size_t>(pair.rejected)]);
    if (drop) all_.dropped_votes += static_cast<std::int64_t>(judged.judgments.size());
    return drop;
  });
}

void JudgmentCollector::collect(Preference& record, const JudgedRecord& judged, const RecordPlace& place,
                                const std::vector<std::vector<double>>& features) {
  record.pairs.clear();
  for (std::size_t a = 0; a < features.size(); ++a)
    for (std::size_t b = a + 1; b < features.size(); ++b) {
      const std::int8_t anchor = anchor_of(judged, a, b);
      const std::size_t before = all_.votes.votes.size();
      if (!add_votes(judged, {a, b}) && anchor == 0) {
        all_.votes.votes.resize(before);
        continue;
      }
      const auto first = static_cast<std::int32_t>(a), second = static_cast<std::int32_t>(b);
      record.pairs.push_back({.chosen = first, .rejected = second, .evidence = 0, .judged = all_.votes.pairs});
      all_.anchors.push_back(anchor);
      all_.at.push_back({static_cast<std::int32_t>(place.file), first, second, place.index});
      all_.votes.domains.of_pair.push_back(domain_of(judged.domain));
      for (std::size_t f = 0; f < all_.features.size(); ++f)
        all_.votes.features.differences.push_back(features[a][f] - features[b][f]);
      ++all_.votes.pairs;
    }
}

/// Adds the votes about the next pair. Returns whether one of them says something about the label.
bool JudgmentCollector::add_votes(const JudgedRecord& judged, const Sides& sides) {
  bool tells = false;
  for (const Judgment& judgment : judged.judgments) {
    const auto preference = judgment.verdict.preference(judged.responses.size(), sides.first, sides.second);
    if (!preference) continue;
    if (judgment.role == AnnotatorRole::expert) {
      ++all_.expert_votes;
      continue;
    }
    const bool graded = judgment.scale > 0 && (judgment.strength > 0 || *preference == 0);
    ties_without_scale_ |= !graded && *preference == 0;
    all_.votes.votes.push_back({.pair = all_.votes.pairs,
                                .annotator = annotator_of(judgment),
                                .answer = graded ? *preference * judgment.strength : *preference,
                                .scale = graded ? judgment.scale : 0,
                                .position = position_of(judgment.order, sides.first, sides.second)});
    tells |= *preference != 0;
  }
  return tells;
}

std::vector<std::vector<double>> JudgmentCollector::features_of(const JudgedRecord& judged,
                                                                const RecordPlace& place) const {
  const auto belief = belief_of(judged.belief, asked_text(judged.prompt, judged.chat));
  std::vector<std::vector<double>> features(judged.responses.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    const TextFeatures known = text_features(text_of(judged.responses[i].answer), belief);
    for (const std::size_t bias : biases_) features[i].push_back(known[bias]);
    for (const AnnotatorFeature& own : reading_.features) {
      features[i].push_back(own.value(judged, i));
      if (!std::isfinite(features[i].back()))
        throw DataError(place.text + ": feature " + own.name + " of responses[" + std::to_string(i) +
                        "]: expected a finite number, found " + std::to_string(features[i].back()));
    }
  }
  return features;
}

bool JudgmentCollector::in_play(const std::vector<double>& first, const std::vector<double>& second) const {
  for (std::size_t f = 0; f < first.size(); ++f)
    if (all_.votes.features.is_bias[f] && first[f] != second[f]) return true;
  return false;
}

std::int32_t JudgmentCollector::annotator_of(const Judgment& judgment) {
  const auto [at, is_new] = annotators_.try_emplace({judgment.role, judgment.annotator}, all_.votes.annotators);
  if (is_new) {
    all_.annotators.push_back({judgment.annotator, judgment.role});
    ++all_.votes.annotators;
  }
  return at->second;
}

std::int32_t JudgmentCollector::domain_of(const std::string& domain) {
  const auto [at, is_new] = domains_.try_emplace(domain, all_.votes.domains.count);
  if (is_new) {
    all_.domains.push_back(domain);
    ++all_.votes.domains.count;
  }
  return at->second;
}

JudgedVotes JudgmentCollector::take() {
  const std::int32_t unsaid = ties_without_scale_ ? 3 : 2;  // annotators who gave ties could give them everywhere
  for (PairVote& vote : all_.votes.votes)
    if (vote.scale == 0) vote.scale = unsaid;
  return std::move(all_);
}

void label_for_evaluation(Preference& record) {
  if (!record.judged) return;
  const JudgedRecord experts = of_experts(*record.judged);
  if (record.judged->gold) {
    record.pairs = pairs_of(*record.judged->gold, record.answers.size());
  } else if (!experts.judgments.empty()) {
    record.pairs = majority_pairs(experts);
  }
}

}  // namespace rlhf
