#pragma once

#include "text/hf/aligned_text.h"

namespace rlhf::hf {

/// Unicode's normalisation forms (UAX 15).
enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

/// Brings a text into the form, in time n log n. A character that several became covers all of them.
void to_form(UnicodeForm form, AlignedText& text);

}  // namespace rlhf::hf
