#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/config/dpo_config.h"
#include "rlhf/data/samples.h"

#include "ranked_samples.h"
#include "text_weights.h"

/// What only the loss kto needs: completions that are desirable or not, each alone.
namespace rlhf {

/// For each sample its prompt with a completion to another prompt from the other half of the data (to the same one only
/// if there is no other), cut at `longest` tokens; no pairs and no label.
std::vector<RankedSample> mismatch(const std::vector<RankedSample>& samples, std::int64_t longest);

/// How far each text counts as desirable (`chosen`) and as undesirable in the loss: the weight of its label times
/// dpo.desirable_weight or dpo.undesirable_weight, shared out if the label is right with a probability below 1.
TextWeights kto_weights(const std::vector<const RankedSample*>& samples, const DpoOptions& options, at::Device device);

/// A warning if the desirable completions, by their weights in the loss, do not count 1 to 4/3 times as much as the
/// undesirable ones; else "". Source of the range: arXiv:2402.01306, section 4.2, and TRL.
std::string kto_balance_warning(const RankedCounts& counts, const DpoOptions& options);

}  // namespace rlhf
