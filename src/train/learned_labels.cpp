// Labels learned from the votes of annotators.
#include "learned_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/feedback/trust.h"

namespace rlhf {
namespace {

constexpr double kBeyondDoubt = std::numeric_limits<double>::infinity();

int sign(double value) { return value > 0 ? 1 : value < 0 ? -1 : 0; }

/// Places each vote among those of its pair; the order within a pair stays.
std::vector<std::size_t> sort_by_pair(JudgedPairs& votes) {
  std::ranges::stable_sort(votes.votes, {}, &PairVote::pair);
  std::vector<std::size_t> first(static_cast<std::size_t>(votes.pairs) + 1, 0);
  for (const PairVote& vote : votes.votes) ++first[static_cast<std::size_t>(vote.pair) + 1];
  for (std::size_t pair = 1; pair < first.size(); ++pair) first[pair] += first[pair - 1];
  return first;
}

void check_enough(const JudgedVotes& judged, AnnotatorMethod method) {
  const std::string key = "reward_model.annotators: ";
  if (judged.votes.pairs == 0)
    throw DataError(key + "expected records of judgments in data.train, found none; hint: set it to majority");
  if (judged.votes.annotators == 0)
    throw DataError(key +
                    "expected votes of role crowd or ai in data.train, found those of experts only; hint: set it "
                    "to majority");
  const bool anchored = std::ranges::any_of(judged.anchors, [](std::int8_t anchor) { return anchor != 0; });
  if (judged.votes.annotators == 1 && !anchored && method != AnnotatorMethod::latent)
    throw DataError(key + "expected votes of several annotators, or of experts, to compare with, found those of \"" +
                    judged.annotators.front().name + "\" only; hint: set it to majority");
}

RankedPair oriented(const RankedPair& compared, double side) {
  RankedPair pair = compared;
  if (side < 0) std::swap(pair.chosen, pair.rejected);
  return pair;
}

}  // namespace

LearnedLabels::LearnedLabels(const RewardModelOptions& options, JudgedVotes judged,
                             const std::vector<RankedSample>& samples)
    : method_(options.annotators), judged_(std::move(judged)), first_vote_(sort_by_pair(judged_.votes)) {
  check_enough(judged_, method_);
  if (options.domains == DomainSharing::shared) judged_.votes.domains = {};
  for (const RankedSample& sample : samples) compared_.push_back(sample.pairs);
  margins_.assign(static_cast<std::size_t>(judged_.votes.pairs), 0);
  if (method_ == AnnotatorMethod::latent) annotators_.latent = fit_latent_annotators(judged_.votes, judged_.anchors);
  fit();
}

void LearnedLabels::fit() {
  weights_.clear();
  if (method_ == AnnotatorMethod::em) {
    annotators_.em = fit_reliability(judged_.votes, margins_, judged_.anchors);
    for (const AnnotatorReliability& annotator : annotators_.em->annotators) weights_.push_back(annotator.value);
  } else if (method_ == AnnotatorMethod::trust) {
    annotators_.trust = fit_trust(judged_.votes, margins_);
    for (const NormalEstimate& annotator : annotators_.trust) weights_.push_back(annotator.value);
  }
  set_evidence();
}

void LearnedLabels::set_evidence() {
  evidence_.assign(margins_.size(), 0);
  if (method_ == AnnotatorMethod::latent) {
    const std::vector<VoteEvidence> found = vote_evidence(*annotators_.latent, judged_.votes);
    std::ranges::transform(found, evidence_.begin(), &VoteEvidence::log_odds);
  } else if (method_ == AnnotatorMethod::em) {
    for (const PairVote& vote : judged_.votes.votes) {
      const double reliability = weights_[static_cast<std::size_t>(vote.annotator)];
      evidence_[static_cast<std::size_t>(vote.pair)] += sign(vote.answer) * std::log(reliability / (1 - reliability));
    }
  }
}

std::span<const PairVote> LearnedLabels::votes_of(std::size_t pair) const {
  return std::span(judged_.votes.votes).subspan(first_vote_[pair], first_vote_[pair + 1] - first_vote_[pair]);
}

void LearnedLabels::label(std::vector<RankedSample>& samples) const {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].pairs.clear();
    for (const RankedPair& compared : compared_[i]) add_labels(compared, samples[i].pairs);
  }
}

void LearnedLabels::add_labels(const RankedPair& compared, std::vector<RankedPair>& labels) const {
  if (compared.judged < 0) {
    labels.push_back(compared);
    return;
  }
  const auto pair = static_cast<std::size_t>(compared.judged);
  const auto add = [&](double side, double evidence, double trust) {
    RankedPair made = oriented(compared, side);
    made.evidence = static_cast<float>(evidence);
    made.trust = static_cast<float>(trust);
    labels.push_back(made);
  };
  if (judged_.anchors[pair] != 0) {
    add(judged_.anchors[pair], kBeyondDoubt, 1);
  } else if (method_ != AnnotatorMethod::trust) {
    add(evidence_[pair], std::abs(evidence_[pair]), 1);
  } else {
    for (const PairVote& vote : votes_of(pair)) {
      const double alpha = weights_[static_cast<std::size_t>(vote.annotator)];
      if (vote.answer != 0) add(vote.answer * alpha, kBeyondDoubt, std::abs(alpha));
    }
  }
}

void LearnedLabels::see(std::size_t sample, std::span<const float> scores) {
  for (const RankedPair& pair : compared_[sample])
    if (pair.judged >= 0)
      margins_[static_cast<std::size_t>(pair.judged)] =
          static_cast<double>(scores[static_cast<std::size_t>(pair.chosen)]) -
          scores[static_cast<std::size_t>(pair.rejected)];
}

nlohmann::json LearnedLabels::state() const { return {{"margins", margins_}, {"weights", weights_}}; }

void LearnedLabels::restore(const nlohmann::json& state) {
  margins_ = state.at("margins").get<std::vector<double>>();
  weights_ = state.at("weights").get<std::vector<double>>();
  set_evidence();
}

double LearnedLabels::log_odds(std::size_t pair) const {
  const std::int8_t anchor = judged_.anchors[pair];
  return anchor != 0 ? anchor * kBeyondDoubt : margins_[pair] + evidence_[pair];
}

std::int64_t LearnedLabels::majority(std::size_t pair) const {
  std::int64_t sum = 0;
  for (const PairVote& vote : votes_of(pair)) sum += sign(vote.answer);
  return sum;
}

std::vector<std::string> limits(const LearnedLabels& labels) {
  const LearnedAnnotators& learned = labels.annotators();
  if (learned.latent) return learned.latent->limits;
  return learned.em ? learned.em->limits : std::vector<std::string>();
}

}  // namespace rlhf
