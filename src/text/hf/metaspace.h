#pragma once

#include <string>

#include "rlhf/json/json_reader.h"

#include "text/hf/aligned_text.h"

namespace rlhf::hf {

/// The Metaspace step: spaces become a visible character, as in SentencePiece. Pre-tokenizer and decoder have the same
/// settings.
struct Metaspace {
  enum class Prepend { always, first, never };

  std::string replacement;
  Prepend prepend = Prepend::always;  ///< whether one is added before every piece, or only at the start of the text
  bool split = true;
};

Metaspace read_metaspace(const JsonReader& node);

/// Replaces the spaces of all pieces and adds one before a piece as `prepend` says.
void write_spaces(const Metaspace& metaspace, Pieces& pieces);

}  // namespace rlhf::hf
