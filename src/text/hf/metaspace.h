#pragma once

#include <string>

#include "text/hf/aligned_text.h"
#include "text/hf/json_node.h"

namespace rlhf::hf {

/// Spaces written as a visible character, as SentencePiece does it; pre-tokenizer and decoder are described alike.
struct Metaspace {
  enum class Prepend { always, first, never };

  std::string replacement;
  Prepend prepend = Prepend::always;  ///< whether a piece (or only the one at the start of the text) begins with one
  bool split = true;
};

Metaspace read_metaspace(const JsonNode& node);

/// Replaces the spaces of all pieces and puts one in front where it is asked for.
void write_spaces(const Metaspace& metaspace, Pieces& pieces);

}  // namespace rlhf::hf
