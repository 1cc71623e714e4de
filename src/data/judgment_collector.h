#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/data/judged_votes.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// Gives the pairs of records of judgments, and collects the votes of those that train.
class JudgmentCollector {
 public:
  /// Throws ConfigError "reward_model.biases: expected …" for a name that is none.
  explicit JudgmentCollector(JudgmentReading reading);

  /// Sets the pairs of a training record. Method majority: those of the majority. drop_in_play: those of the majority
  /// of the experts; else none where a bias is in play; else those of the majority. The other methods: every pair that
  /// has a vote or an anchor, with its number and without evidence. Throws DataError if a feature is not finite.
  void label(Preference& record, const RecordPlace& place);
  /// All that was collected; nothing for majority.
  JudgedVotes take();

 private:
  struct Sides {
    std::size_t first, second;
  };

  void label_in_play(Preference& record, const JudgedRecord& judged, const std::vector<std::vector<double>>& features);
  void collect(Preference& record, const JudgedRecord& judged, const RecordPlace& place,
               const std::vector<std::vector<double>>& features);
  bool add_votes(const JudgedRecord& judged, const Sides& sides);
  std::vector<std::vector<double>> features_of(const JudgedRecord& judged, const RecordPlace& place) const;
  bool in_play(const std::vector<double>& first, const std::vector<double>& second) const;
  std::int32_t annotator_of(const Judgment& judgment);
  std::int32_t domain_of(const std::string& domain);

  JudgmentReading reading_;
  std::vector<std::size_t> biases_;  ///< TextFeatures to use
  JudgedVotes all_;
  std::map<std::pair<AnnotatorRole, std::string>, std::int32_t> annotators_;
  std::map<std::string, std::int32_t> domains_;
  bool ties_without_scale_ = false;
};

/// Sets the pairs of a record that a model is evaluated on: those of `gold`, else of the majority of the experts, else
/// of the majority of all. Records without judgments keep theirs.
void label_for_evaluation(Preference& record);

}  // namespace rlhf
