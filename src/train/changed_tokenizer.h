#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "rlhf/train/setup.h"

namespace rlhf {

/// Sets setup.tokenizer to that of `path` with model.add_tokens and model.eos_token, and adds rows for new tokens to
/// setup.folder. The changed files are written to a temporary folder and read from there, so that the run has exactly
/// the tokenizer that it will save; setup.tokenizer_folder keeps the folder. Returns its path.
std::string load_changed_tokenizer(const ModelOptions& model, const std::string& path, Setup& setup);

/// The files of a saved model of the run: those of its tokenizer, with `chat_template` as the default template if it
/// is not empty, and with `pad_token` if that is not empty.
SideFiles saved_tokenizer_files(const SideFiles& files, const std::string& chat_template, const std::string& pad_token);

/// A pad id for a scalar model. `transformers` removes it from the end of a text before it reads the score, so it must
/// not be an id that ends texts. In this order: the tokenizer's own, a special token with "pad" in its name, the
/// unknown token, a reserved token, BOS, any other special token, and otherwise the last entry of the vocabulary whose
/// name does not occur in texts ("Ġthe").
std::int32_t padding_id(const Tokenizer& tokenizer, const TokenIds& stop_ids);

}  // namespace rlhf
