#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rlhf/report/chart.h"

namespace rlhf {

/// A page that is built from top to bottom: one file, charts as inline SVG, nothing loaded from elsewhere, light or
/// dark as the reader's system is set. All text is escaped. A script of its own shows the values of curves under the
/// pointer; without scripts, the page is complete.
class HtmlPage {
 public:
  using Table = std::vector<std::vector<std::string>>;             ///< rows of cells, the first row a header
  using Terms = std::vector<std::pair<std::string, std::string>>;  ///< (term, text); a text may have several lines

  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void heading(const std::string& text);
  void subheading(const std::string& text);
  /// One paragraph per line.
  void paragraphs(const std::string& text);
  /// Nothing if there is no row.
  void table(const Table& table);
  void terms(const Terms& terms);
  /// Charts beside each other as far as the window is wide; `legend` false: curves are named elsewhere on the page.
  void charts(const std::vector<Chart>& charts, bool legend = true);
  /// The curves' colours, dashes and names, for charts without a legend.
  void legend(const std::vector<std::string>& names);
  /// Text as it is, spaces and line breaks kept.
  void preformatted(const std::string& text);
  /// The same, folded under `summary` until the reader opens it.
  void folded(const std::string& summary, const std::string& text);
  /// The state of the whole in a few words; `kind`: good, warn or plain.
  void badge(const std::string& text, const std::string& kind);
  /// Values in large print, each with its name above and a note below.
  struct Figure {
    std::string name, value, note;
  };
  void figures(const std::vector<Figure>& figures);
  /// A prompt, what was answered, and facts about the answer.
  struct Sample {
    std::string prompt, response, facts;
  };
  void samples(const std::vector<Sample>& samples);

  std::string html() const;

 private:
  std::string title_, body_;
};

}  // namespace rlhf
