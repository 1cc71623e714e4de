#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/reward_model_config.h"
#include "rlhf/data/judged_votes.h"
#include "rlhf/data/samples.h"
#include "rlhf/feedback/latent_annotators.h"
#include "rlhf/feedback/reliability_em.h"

namespace rlhf {

/// What was learned about the annotators; one of the three is there.
struct LearnedAnnotators {
  std::optional<LatentAnnotators> latent;
  std::optional<ReliabilityEm> em;
  std::vector<NormalEstimate> trust;  ///< [annotators]
};

/// The labels of the training pairs that are learned from votes (reward_model.annotators):
///   latent  L = Σ ln P(vote | first) − ln P(vote | second), fitted on the anchors before training and then frozen
///   em      L = Σ y·ln(η/(1 − η)), η fitted to votes, anchors and the margins of the reward model, again and again
///   trust   a pair for every vote, whose difference of scores is multiplied by |α|; a vote with α < 0 is turned round
/// A pair with an anchor has the label of the experts, beyond doubt. Loss and symbols: algo/reward_loss.h.
///
/// em and trust use the margin that each pair had when it was last trained, so that no further passes are needed.
class LearnedLabels {
 public:
  /// Keeps the pairs of `samples` as load_preferences() gave them, and fits. Throws DataError if there is nothing to
  /// learn from.
  LearnedLabels(const RewardModelOptions& options, JudgedVotes judged, const std::vector<RankedSample>& samples);

  /// Sets the pairs of `samples`, those of the constructor.
  void label(std::vector<RankedSample>& samples) const;
  /// Takes the scores of the texts of a sample from a step.
  void see(std::size_t sample, std::span<const float> scores);
  /// Fits again; for `latent` this changes nothing.
  void fit();
  bool changes() const { return method_ != AnnotatorMethod::latent; }

  /// What the labels depend on beside the data, for a checkpoint.
  nlohmann::json state() const;
  void restore(const nlohmann::json& state);

  AnnotatorMethod method() const { return method_; }
  const JudgedVotes& judged() const { return judged_; }
  const LearnedAnnotators& annotators() const { return annotators_; }
  /// Log-odds that the first response of a pair is better: R, with what the votes say added for latent and em; ±∞ for
  /// an anchor.
  double log_odds(std::size_t pair) const;
  /// The number of votes for the first response of a pair minus those for the second.
  std::int64_t majority(std::size_t pair) const;

 private:
  void set_evidence();
  void add_labels(const RankedPair& compared, std::vector<RankedPair>& labels) const;
  std::span<const PairVote> votes_of(std::size_t pair) const;

  AnnotatorMethod method_;
  JudgedVotes judged_;                             ///< its votes are sorted by pair
  std::vector<std::size_t> first_vote_;            ///< [pairs + 1]
  std::vector<std::vector<RankedPair>> compared_;  ///< [samples]
  std::vector<double> margins_;                    ///< [pairs], R = r(first) − r(second); 0: not trained yet
  std::vector<double> evidence_;                   ///< [pairs], L of latent and em
  std::vector<double> weights_;                    ///< [annotators]: η of em, α of trust
  LearnedAnnotators annotators_;
};

/// What the fit of the labels cannot know, a sentence each.
std::vector<std::string> limits(const LearnedLabels& labels);

}  // namespace rlhf
