#pragma once

#include "rlhf/json/json_reader.h"

#include "text/hf/aligned_text.h"
#include "text/hf/pattern.h"

namespace rlhf::hf {

/// What happens to a match when a text is cut: it is removed; it becomes a piece; it is merged with the part before or
/// after it; or it is merged with the matches that directly follow it.
enum class Cut { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Cut read_cut(const JsonReader& node);

/// Cuts every piece that is not an added token at the matches, or with `invert` at the parts between them. Removes
/// empty pieces.
void split(Pieces& pieces, const Finder& finder, Cut cut, bool invert = false);

}  // namespace rlhf::hf
