#pragma once

#include <cstddef>
#include <string_view>

namespace rlhf {

/// How often a text uses parts of Markdown. Inside a code block nothing else counts.
struct MarkupCounts {
  std::size_t code = 0;   ///< code blocks, inline code spans
  std::size_t marks = 0;  ///< headings, bold spans, links, rows of tables
  std::size_t items = 0;  ///< list items
};
MarkupCounts count_markup(std::string_view text);

}  // namespace rlhf
