#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/records/feedback_formats.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

/// Makes pairs of judged records, as `trl` or `hh`.
///
/// A record gives the pair of its label, or else the pairs of the majority (records/judgments.h), or none. Besides the
/// texts, a pair has
///   probability  that chosen is better: that of the label, else the share of the votes, ties counted half, if there
///   are
///                at least two
///   weight       that of the label
///   margin       that of the label, else the mean strength of the judgments on scales of 5 or 7 steps: plus for
///   chosen,
///                minus for rejected, 0 for a tie, in steps, at least 0
/// and `id`, `domain`, `tools`, `chat_template_kwargs` and the other fields of the record.
class PairWriter {
 public:
  /// `format` is trl or hh; else throws ArgumentError.
  explicit PairWriter(FeedbackFormat format);
  /// The pairs of a record, one JSON object each.
  std::vector<nlohmann::ordered_json> pairs(const JudgedRecord& record);
  /// What the records had and the pairs do not have.
  const Losses& losses() const { return losses_; }

 private:
  nlohmann::ordered_json pair(const JudgedRecord& record, const RankedPair& pair);

  FeedbackFormat format_;
  Losses losses_;
};

}  // namespace rlhf
