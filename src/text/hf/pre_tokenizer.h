#pragma once

#include <functional>
#include <vector>

#include "rlhf/json/json_reader.h"

#include "text/hf/aligned_text.h"

namespace rlhf::hf {

/// The steps that cut a text into words, which the word model encodes independently.
using PreTokenizer = std::vector<std::function<void(Pieces&)>>;

/// Reads a `pre_tokenizer`: ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, Sequence.
PreTokenizer read_pre_tokenizer(const JsonReader& node);

}  // namespace rlhf::hf
