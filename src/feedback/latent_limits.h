#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/feedback/latent_annotators.h"

namespace rlhf {

/// Sets the counts of anchors of `model`.
void count_anchors(LatentAnnotators& model, const JudgedPairs& judged, const std::vector<std::int8_t>& anchors);

/// What cannot be identified with these counts; `fitted` annotators have anchors.
std::vector<std::string> limits_of(const LatentAnnotators& model, std::size_t fitted);

}  // namespace rlhf
