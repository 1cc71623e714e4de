#pragma once

#include <memory>

#include "text/hf/word_model.h"

namespace rlhf::hf {

/// Reads a `model` of type Unigram: pieces with scores, of which a word gets the sequence with the highest sum.
std::unique_ptr<WordModel> read_unigram_model(const JsonNode& node);

}  // namespace rlhf::hf
