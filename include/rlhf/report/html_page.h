#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rlhf/report/chart.h"

namespace rlhf {

/// An HTML page that is built from top to bottom. It is one file with charts as inline SVG and loads nothing. It is
/// light or dark like the reader's system. All text is escaped. A script shows the values of curves at the pointer;
/// without scripts the page is complete otherwise.
class HtmlPage {
 public:
  using Table = std::vector<std::vector<std::string>>;             ///< rows of cells, the first row a header
  using Terms = std::vector<std::pair<std::string, std::string>>;  ///< (term, text); a text may have several lines

  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void heading(const std::string& text);
  void subheading(const std::string& text);
  /// One paragraph per line.
  void paragraphs(const std::string& text);
  /// Adds a table, or nothing if there are no rows.
  void table(const Table& table);
  void terms(const Terms& terms);
  /// Adds charts, as many side by side as fit. If `legend` is false, the curves must be named elsewhere on the page.
  void charts(const std::vector<Chart>& charts, bool legend = true);
  /// Adds a bar chart, with a legend if it has several series.
  void bars(const BarChart& chart);
  /// Adds a legend for charts without one: colours, dashes and names of the curves.
  void legend(const std::vector<std::string>& names);
  /// Adds preformatted text.
  void preformatted(const std::string& text);
  /// The same, hidden under `summary` until the reader opens it.
  void folded(const std::string& summary, const std::string& text);
  /// Adds the overall state in a few words; `kind` is good, warn or plain.
  void badge(const std::string& text, const std::string& kind);
  /// A value in large print, with its name above and a note below.
  struct Figure {
    std::string name, value, note;
  };
  void figures(const std::vector<Figure>& figures);
  /// A prompt, its response, and facts about the response.
  struct Sample {
    std::string prompt, response, facts;
  };
  void samples(const std::vector<Sample>& samples);

  std::string html() const;

 private:
  std::string title_, body_;
};

}  // namespace rlhf
