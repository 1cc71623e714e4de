#pragma once

#include <memory>

#include "rlhf/json/json_reader.h"

#include "text/hf/word_model.h"

namespace rlhf::hf {

/// Reads a `model` of type BPE: byte-level (GPT-2, Llama 3, Qwen) or from SentencePiece (Llama 2, Gemma).
std::unique_ptr<WordModel> read_byte_pair_model(const JsonReader& node);

}  // namespace rlhf::hf
