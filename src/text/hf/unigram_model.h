#pragma once

#include <memory>

#include "rlhf/json/json_reader.h"

#include "text/hf/word_model.h"

namespace rlhf::hf {

/// Reads a `model` of type Unigram: pieces with scores. A word becomes the sequence of pieces with the highest sum.
std::unique_ptr<WordModel> read_unigram_model(const JsonReader& node);

}  // namespace rlhf::hf
