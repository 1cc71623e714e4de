#pragma once

#include "text/hf/aligned_text.h"
#include "text/hf/json_node.h"
#include "text/hf/pattern.h"

namespace rlhf::hf {

/// What becomes of a match when a text is cut: dropped; a piece of its own; a piece with what stands before it, or
/// behind it; one piece with the matches that follow it directly.
enum class Cut { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Cut read_cut(const JsonNode& node);

/// Cuts every piece that is no added token at the matches; `invert` cuts at what lies between them. Empty pieces go.
void split(Pieces& pieces, const Finder& finder, Cut cut, bool invert = false);

}  // namespace rlhf::hf
