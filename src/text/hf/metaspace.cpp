// The Metaspace step of pre-tokenizers and decoders.
#include "text/hf/metaspace.h"

#include <algorithm>

#include "text/hf/characters.h"
#include "text/hf/tokenizer_json.h"

namespace rlhf::hf {
namespace {

Metaspace::Prepend read_prepend(const JsonReader& node) {
  const std::string& scheme = node.string();
  if (scheme == "always") return Metaspace::Prepend::always;
  if (scheme == "first") return Metaspace::Prepend::first;
  if (scheme == "never") return Metaspace::Prepend::never;
  node.fail("always, first or never");
}

}  // namespace

Metaspace read_metaspace(const JsonReader& node) {
  Metaspace metaspace;
  append_utf8(metaspace.replacement, character_of(node.at("replacement")));
  if (const auto scheme = node.find("prepend_scheme")) metaspace.prepend = read_prepend(*scheme);
  // Older files have only this key.
  if (!node.boolean_or("add_prefix_space", true) && metaspace.prepend != Metaspace::Prepend::never)
    node.at("add_prefix_space").fail("true, or false together with prepend_scheme never");
  metaspace.split = node.boolean_or("split", true);
  return metaspace;
}

void write_spaces(const Metaspace& metaspace, Pieces& pieces) {
  rewrite(pieces, [&](const AlignedText& from, const Piece& piece, AlignedText& to) {
    const auto begin = static_cast<std::size_t>(piece.begin), end = static_cast<std::size_t>(piece.end);
    const std::string_view text = from.text();
    const std::int32_t origin = from.origin(begin).begin;
    const bool wanted = metaspace.prepend == Metaspace::Prepend::always ||
                        (metaspace.prepend == Metaspace::Prepend::first && origin == 0);
    if (wanted && text[begin] != ' ' && !text.substr(begin).starts_with(metaspace.replacement))
      to.append(metaspace.replacement, {origin, origin});
    for (std::size_t at = begin; at < end;) {
      if (text[at] == ' ') {
        to.append(metaspace.replacement, from.origin(at));
        ++at;
      } else {
        const std::size_t space = std::min(text.find(' ', at), end);
        to.append(from, at, space);
        at = space;
      }
    }
  });
}

}  // namespace rlhf::hf
