#pragma once

#include <functional>
#include <vector>

#include "rlhf/json/json_reader.h"

#include "text/hf/aligned_text.h"

namespace rlhf::hf {

/// The steps that change a text before it is cut into words.
using Normalizer = std::vector<std::function<void(AlignedText&)>>;

/// Reads a `normalizer`: NFC, NFD, NFKC, NFKD, Prepend, Replace, Strip, Lowercase, Sequence.
Normalizer read_normalizer(const JsonReader& node);

}  // namespace rlhf::hf
