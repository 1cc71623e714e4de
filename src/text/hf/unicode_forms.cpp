// Unicode normalisation that keeps the byte offsets.
#include "text/hf/unicode_forms.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <utf8proc.h>

#include "rlhf/core/check.h"

#include "text/hf/characters.h"
#include "text/hf/young_characters.h"

namespace rlhf::hf {
namespace {

struct Symbol {
  char32_t code;
  int combining;  // canonical combining class; 0 is a starter
  Origin origin;
};

bool is_composed(UnicodeForm form) { return form == UnicodeForm::nfc || form == UnicodeForm::nfkc; }
bool is_compatible(UnicodeForm form) { return form == UnicodeForm::nfkc || form == UnicodeForm::nfkd; }

// Characters below these never change in the form, alone or in combination.
bool is_in_form_already(UnicodeForm form, std::string_view text) {
  const char32_t first = form == UnicodeForm::nfc ? 0x300 : form == UnicodeForm::nfd ? 0xC0 : 0xA0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (character.code >= first) return false;
    at += character.bytes;
  }
  return true;
}

const utf8proc_property_t& property(char32_t code) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

std::vector<Symbol> decomposed(const AlignedText& text, bool compatible) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<Symbol> symbols;
  symbols.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text.text(), at);
    at += character.bytes;
    const Origin origin = text.origin(at - 1);
    if (is_young(character.code)) {
      symbols.push_back({character.code, 0, origin});
      continue;
    }
    utf8proc_int32_t codes[32];
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character.code), codes, 32, options, &boundary);
    RLHF_CHECK(count > 0 && count <= 32, "decomposing a character failed");
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      const auto code = static_cast<char32_t>(codes[i]);
      // Only the last character of the decomposition covers the original; the others have an empty origin before it.
      symbols.push_back(
          {code, property(code).combining_class, i + 1 == count ? origin : Origin{origin.begin, origin.begin}});
    }
  }
  return symbols;
}

// Sorts the marks after a starter by combining class; marks of the same class keep their order.
void order_marks(std::vector<Symbol>& symbols) {
  const auto is_mark = [](const Symbol& symbol) { return symbol.combining != 0; };
  for (auto at = symbols.begin(); at != symbols.end();) {
    const auto begin = std::find_if(at, symbols.end(), is_mark);
    const auto end = std::find_if_not(begin, symbols.end(), is_mark);
    std::stable_sort(begin, end, [](const Symbol& a, const Symbol& b) { return a.combining < b.combining; });
    at = end;
  }
}

// Whether this character can compose with one before it: marks, and the vowels and finals of Hangul.
bool may_follow(const Symbol& symbol) {
  if (symbol.code < 0x300) return false;
  if (symbol.combining != 0 || (symbol.code >= 0x1160 && symbol.code <= 0x11FF)) return true;
  const auto category = property(symbol.code).category;
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

// The character that two compose to, or 0.
char32_t composition(char32_t first, char32_t second) {
  utf8proc_int32_t pair[] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (utf8proc_normalize_utf32(pair, 2, options) != 1) return 0;
  const auto code = static_cast<char32_t>(pair[0]);
  return is_young(code) ? 0 : code;
}

// UAX 15: a character composes with the last starter unless a character of the same or a higher class is between them.
void compose(std::vector<Symbol>& symbols) {
  std::size_t size = 0, starter = 0;
  int between = 0;  // class of the last symbol after the starter; 0 if there is none
  bool has_starter = false;
  for (const Symbol& symbol : symbols) {
    const bool reaches = has_starter && (between == 0 || between < symbol.combining);
    const char32_t composed = reaches && may_follow(symbol) ? composition(symbols[starter].code, symbol.code) : 0;
    if (composed != 0) {
      symbols[starter].code = composed;
      symbols[starter].origin.end = std::max(symbols[starter].origin.end, symbol.origin.end);
      continue;
    }
    if (symbol.combining == 0) {
      starter = size;
      has_starter = true;
    }
    between = symbol.combining;
    symbols[size++] = symbol;
  }
  symbols.resize(size);
}

}  // namespace

void to_form(UnicodeForm form, AlignedText& text) {
  if (is_in_form_already(form, text.text())) return;
  std::vector<Symbol> symbols = decomposed(text, is_compatible(form));
  order_marks(symbols);
  if (is_composed(form)) compose(symbols);
  AlignedText to = text.successor();
  std::string character;
  for (const Symbol& symbol : symbols) {
    character.clear();
    append_utf8(character, symbol.code);
    to.append(character, symbol.origin);
  }
  text = std::move(to);
}

}  // namespace rlhf::hf
