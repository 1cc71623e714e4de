// Cuts texts at the matches of a pattern.
#include "text/hf/splitting.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rlhf::hf {
namespace {

struct Part {
  TextRange range;
  bool is_match;
};

// The matches and the parts between them, in order; together they are the whole text.
void cover(std::size_t size, const std::vector<TextRange>& found, bool invert, std::vector<Part>& parts) {
  parts.clear();
  std::size_t end = 0;
  for (const TextRange& match : found) {
    if (end != match.begin) parts.push_back({{end, match.begin}, invert});
    parts.push_back({match, !invert});
    end = match.end;
  }
  if (end != size) parts.push_back({{end, size}, invert});
}

// Merges each part into the part visited before it if `joins(part, previous part)`.
template <typename Iterator, typename Joins>
std::vector<Part> join(Iterator begin, Iterator end, const Joins& joins) {
  std::vector<Part> joined;
  bool previous = false;  // whether the previous part was a match; false before the first part
  for (; begin != end; ++begin) {
    if (joins(begin->is_match, previous) && !joined.empty()) {
      TextRange& last = joined.back().range;
      last = {std::min(last.begin, begin->range.begin), std::max(last.end, begin->range.end)};
    } else {
      joined.push_back(*begin);
    }
    previous = begin->is_match;
  }
  return joined;
}

void apply(Cut cut, std::vector<Part>& parts) {
  const auto starts_match = [](bool is_match, bool previous) { return is_match && !previous; };
  const auto same = [](bool is_match, bool previous) { return is_match == previous; };
  switch (cut) {
    case Cut::isolated:
      break;
    case Cut::removed:
      std::erase_if(parts, [](const Part& part) { return part.is_match; });
      break;
    case Cut::contiguous:
      parts = join(parts.begin(), parts.end(), same);
      break;
    case Cut::merged_with_previous:
      parts = join(parts.begin(), parts.end(), starts_match);
      break;
    case Cut::merged_with_next:
      parts = join(parts.rbegin(), parts.rend(), starts_match);
      std::reverse(parts.begin(), parts.end());
      break;
  }
}

}  // namespace

Cut read_cut(const JsonReader& node) {
  constexpr std::pair<std::string_view, Cut> kCuts[] = {{"Removed", Cut::removed},
                                                        {"Isolated", Cut::isolated},
                                                        {"MergedWithPrevious", Cut::merged_with_previous},
                                                        {"MergedWithNext", Cut::merged_with_next},
                                                        {"Contiguous", Cut::contiguous}};
  for (const auto& [name, cut] : kCuts)
    if (node.string() == name) return cut;
  node.fail("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void split(Pieces& pieces, const Finder& finder, Cut cut, bool invert) {
  std::vector<Piece> cut_pieces;
  cut_pieces.reserve(pieces.list.size() + pieces.text.size() / 4);
  std::vector<TextRange> found;
  std::vector<Part> parts;
  for (const Piece& piece : pieces.list) {
    if (piece.added >= 0) {
      cut_pieces.push_back(piece);
      continue;
    }
    const std::string_view text = pieces.text_of(piece);
    finder(text, found);
    cover(text.size(), found, invert, parts);
    apply(cut, parts);
    for (const Part& part : parts) {
      if (part.range.begin == part.range.end) continue;
      cut_pieces.push_back({piece.begin + static_cast<std::int32_t>(part.range.begin),
                            piece.begin + static_cast<std::int32_t>(part.range.end)});
    }
  }
  pieces.list = std::move(cut_pieces);
}

}  // namespace rlhf::hf
