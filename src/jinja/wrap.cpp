// Breaks a line as Python's textwrap does.
#include "jinja/wrap.h"

#include <algorithm>

#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

using Points = std::vector<CodePoint>;

bool is_blank(CodePoint point) { return point == ' ' || (point >= 0x09 && point <= 0x0D); }
bool is_letter(CodePoint point) { return is_word(point) && !is_decimal(point); }  // of re: \w without \d
bool is_word_or_mark(CodePoint point) {
  return is_word(point) ||
         (point < 0x80 && std::string_view("!\"'&.,?").find(static_cast<char>(point)) != std::string_view::npos);
}

// Finds the places at which a line may be broken.
class Chunker {
 public:
  Chunker(const Points& points, bool on_hyphens) : points_(points), on_hyphens_(on_hyphens) {}

  // The end of the chunk at `begin`: white space, a dash between words, or a word up to a hyphen or its end.
  std::size_t end_of(std::size_t begin) const {
    std::size_t end = begin;
    if (is_blank(points_[begin])) {
      while (end < points_.size() && is_blank(points_[end])) ++end;
      return end;
    }
    if (on_hyphens_ && begin > 0 && is_word_or_mark(points_[begin - 1]) && dash_at(begin)) {
      while (at(end) == '-') ++end;
      return end;
    }
    for (end = begin + 1; !ends_word(begin, end); ++end) {
    }
    return end;
  }

 private:
  CodePoint at(std::size_t i) const { return i < points_.size() ? points_[i] : 0; }
  bool letter(std::size_t i) const { return i < points_.size() && is_letter(points_[i]); }

  // Two or more hyphens before a word.
  bool dash_at(std::size_t i) const {
    std::size_t end = i;
    while (at(end) == '-') ++end;
    return end >= i + 2 && end < points_.size() && is_word(points_[end]);
  }

  bool ends_word(std::size_t begin, std::size_t end) const {
    if (end == points_.size() || is_blank(points_[end])) return true;
    if (!on_hyphens_) return false;
    if (is_word_or_mark(points_[end - 1]) && dash_at(end)) return true;
    // A hyphen is behind two letters, or behind letter-hyphen-letter, and before two letters or letter-hyphen-letter.
    if (points_[end - 1] != '-' || end < begin + 2) return false;
    const std::size_t hyphen = end - 1;
    const bool behind = (hyphen >= 2 && letter(hyphen - 1) && letter(hyphen - 2)) ||
                        (hyphen >= 3 && letter(hyphen - 1) && at(hyphen - 2) == '-' && letter(hyphen - 3));
    const bool before = letter(end) && (letter(end + 1) || (at(end + 1) == '-' && letter(end + 2)));
    return behind && before;
  }

  const Points& points_;
  bool on_hyphens_;
};

struct Chunk {
  std::size_t begin, end;
  std::size_t size() const { return end - begin; }
};

std::vector<Chunk> chunks_of(const Points& points, bool on_hyphens) {
  const Chunker chunker(points, on_hyphens);
  std::vector<Chunk> chunks;
  for (std::size_t at = 0; at < points.size(); at = chunks.back().end) chunks.push_back({at, chunker.end_of(at)});
  return chunks;
}

bool all_space(const Points& points, const Chunk& chunk) {
  return std::all_of(points.begin() + static_cast<std::ptrdiff_t>(chunk.begin),
                     points.begin() + static_cast<std::ptrdiff_t>(chunk.end), is_space);
}

// How much of a chunk that is wider than a line goes into the `space` that is left of it.
std::size_t broken_at(const Points& points, const Chunk& chunk, std::size_t space, bool on_hyphens) {
  if (!on_hyphens || chunk.size() <= space) return std::min(space, chunk.size());
  for (std::size_t i = space; i-- > 1;) {
    if (points[chunk.begin + i] != '-') continue;
    const auto first = points.begin() + static_cast<std::ptrdiff_t>(chunk.begin);
    return std::any_of(first, first + static_cast<std::ptrdiff_t>(i), [](CodePoint c) { return c != '-'; }) ? i + 1
                                                                                                            : space;
  }
  return space;
}

std::string text_of(const Points& points, const std::vector<Chunk>& line) {
  std::string text;
  for (const Chunk& chunk : line)
    for (std::size_t i = chunk.begin; i < chunk.end; ++i) append_code_point(text, points[i]);
  return text;
}

}  // namespace

std::vector<std::string> wrapped(Machine& machine, std::string_view text, const WrapStyle& style) {
  if (style.width <= 0) fail("invalid width " + std::to_string(style.width) + " (must be > 0)");
  machine.budget.look_at(256 * text.size());  // more expensive than a search, and a character becomes many bytes
  const auto width = static_cast<std::size_t>(style.width);
  Points points;
  for (std::size_t at = 0; at < text.size();) points.push_back(next_code_point(text, at));
  std::vector<Chunk> chunks = chunks_of(points, style.break_on_hyphens);
  std::vector<std::string> lines;
  for (std::size_t next = 0; next < chunks.size();) {
    std::vector<Chunk> line;
    std::size_t length = 0;
    if (!lines.empty() && all_space(points, chunks[next])) ++next;
    for (; next < chunks.size() && length + chunks[next].size() <= width; ++next) {
      line.push_back(chunks[next]);
      length += chunks[next].size();
    }
    if (next < chunks.size() && chunks[next].size() > width) {
      const std::size_t space = width - length;
      if (style.break_long_words) {
        const std::size_t size = broken_at(points, chunks[next], space, style.break_on_hyphens);
        line.push_back({chunks[next].begin, chunks[next].begin + size});
        chunks[next].begin += size;
      } else if (line.empty()) {
        line.push_back(chunks[next++]);
      }
    }
    if (!line.empty() && all_space(points, line.back())) line.pop_back();
    if (line.empty()) continue;
    machine.budget.make(sizeof(std::string));
    lines.push_back(text_of(points, line));
  }
  return lines;
}

}  // namespace rlhf::jinja
