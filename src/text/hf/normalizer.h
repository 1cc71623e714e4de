#pragma once

#include <functional>
#include <vector>

#include "text/hf/aligned_text.h"
#include "text/hf/json_node.h"

namespace rlhf::hf {

/// The steps that change a text before it is cut into words.
using Normalizer = std::vector<std::function<void(AlignedText&)>>;

/// Reads a `normalizer`: NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip, Lowercase, Sequence.
Normalizer read_normalizer(const JsonNode& node);

}  // namespace rlhf::hf
