#pragma once

#include "text/hf/aligned_text.h"

namespace rlhf::hf {

/// The Unicode normalisation forms (UAX 15).
enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

/// Normalises a text, in time O(n log n). A character that several were composed to has all of them as its origin.
void to_form(UnicodeForm form, AlignedText& text);

}  // namespace rlhf::hf
