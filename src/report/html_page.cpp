// Builds a page from headings, tables, charts and samples.
#include "rlhf/report/html_page.h"

#include <cmath>
#include <sstream>

#include "report/markup.h"
#include "report/page_style.h"
#include "report/scale.h"
#include "report/svg.h"

namespace rlhf {
namespace {

std::string text_element(std::string_view tag, const std::string& words, std::string_view attributes = "") {
  return element(tag, escape_markup(words), attributes) + "\n";
}

// A name with line break opportunities after "/", "_" and ".", for narrow screens.
std::string breakable(const std::string& name) {
  std::string html;
  for (const char c : escape_markup(name)) {
    html += c;
    if (c == '/' || c == '_' || c == '.') html += "<wbr/>";
  }
  return html;
}

// A bar chart of block characters, as in the data report, in a font size that does not wrap.
std::string with_small_bars(const std::string& text) {
  constexpr std::string_view kBlock = "█";
  std::string html;
  const std::string escaped = escape_markup(text);
  for (std::size_t at = 0; at < escaped.size();) {
    std::size_t end = at;
    while (escaped.compare(end, kBlock.size(), kBlock) == 0) end += kBlock.size();
    if (end > at)
      html += element("span", escaped.substr(at, end - at), "class=\"bar\"");
    else
      html += escaped[end++];
    at = end;
  }
  return html;
}

std::string table_row(const std::vector<std::string>& cells, const std::string& tag) {
  std::string html;
  for (const std::string& cell : cells) html += element(tag, html.empty() ? breakable(cell) : escape_markup(cell));
  return element("tr", html) + "\n";
}

// The last value of a curve for the legend; empty for a curve without points.
std::string last_value(const Curve& curve) {
  for (auto point = curve.points.rbegin(); point != curve.points.rend(); ++point)
    if (std::isfinite(point->second)) return show_number(point->second);
  return curve.points.empty() ? "" : show_number(curve.points.back().second);
}

std::string legend_entry(std::size_t index, const std::string& words) {
  return element(
      "li", element("svg", curve_sample(index), "viewBox=\"0 0 24 12\" aria-hidden=\"true\"") + escape_markup(words));
}

std::string chart_legend(const std::vector<Curve>& curves) {
  std::string entries;
  for (std::size_t i = 0; i < curves.size(); ++i)
    entries += legend_entry(i, curves[i].name + " " + last_value(curves[i]));
  return element("ul", entries, "class=\"legend\"") + "\n";
}

std::string figure(const Chart& chart, bool legend) {
  const bool one = chart.curves.size() == 1;
  const std::string value = legend && one ? element("span", escape_markup(last_value(chart.curves[0]))) : "";
  return element("figure", element("figcaption", escape_markup(chart.title) + value) + "\n" +
                               (legend && !one ? chart_legend(chart.curves) : "") +
                               inline_svg(draw(chart), chart.title)) +
         "\n";
}

}  // namespace

void HtmlPage::heading(const std::string& text) { body_ += text_element("h2", text); }
void HtmlPage::subheading(const std::string& text) { body_ += text_element("h3", text); }

void HtmlPage::paragraphs(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) body_ += text_element("p", line);
}

void HtmlPage::table(const Table& table) {
  if (table.size() < 2) return;
  std::string rows;
  for (std::size_t i = 1; i < table.size(); ++i) rows += table_row(table[i], "td");
  const std::string head = element("thead", table_row(table.front(), "th")) + "\n";
  body_ += element("div", element("table", head + element("tbody", rows)), "class=\"scroll\"") + "\n";
}

void HtmlPage::terms(const Terms& terms) {
  std::string entries;
  for (const auto& [term, text] : terms)
    entries += text_element("dt", term) + element("dd", with_small_bars(text)) + "\n";
  if (!entries.empty()) body_ += element("dl", entries) + "\n";
}

void HtmlPage::charts(const std::vector<Chart>& charts, bool legend) {
  std::string figures;
  for (const Chart& chart : charts) figures += figure(chart, legend);
  if (!figures.empty()) body_ += element("div", figures, "class=\"charts\"") + "\n";
}

void HtmlPage::bars(const BarChart& chart) {
  if (chart.rows.empty()) return;
  body_ +=
      element("div", element("figure", inline_svg(draw_with_title(chart), chart.title)), "class=\"charts\"") + "\n";
}

void HtmlPage::legend(const std::vector<std::string>& names) {
  std::string entries;
  for (std::size_t i = 0; i < names.size(); ++i) entries += legend_entry(i, names[i]);
  body_ += element("ul", entries, "class=\"legend wide\"") + "\n";
}

void HtmlPage::preformatted(const std::string& text) {
  body_ += text_element("pre", text, "class=\"block\" dir=\"auto\"");
}

void HtmlPage::folded(const std::string& summary, const std::string& text) {
  body_ += element("details", text_element("summary", summary) + text_element("pre", text, "class=\"block\"")) + "\n";
}

void HtmlPage::badge(const std::string& text, const std::string& kind) {
  body_ += text_element("div", text, "class=\"badge " + escape_markup(kind) + "\"");
}

void HtmlPage::figures(const std::vector<Figure>& figures) {
  std::string boxes;
  for (const Figure& figure : figures)
    boxes += element("div", element("span", breakable(figure.name)) + text_element("b", figure.value) +
                                text_element("small", figure.note)) +
             "\n";
  if (!boxes.empty()) body_ += element("div", boxes, "class=\"figures\"") + "\n";
}

void HtmlPage::samples(const std::vector<Sample>& samples) {
  std::string boxes;
  for (const Sample& sample : samples)
    boxes += element("div",
                     text_element("pre", sample.prompt, "class=\"prompt\" dir=\"auto\"") +
                         text_element("pre", sample.response, "class=\"response\" dir=\"auto\"") +
                         text_element("small", sample.facts),
                     "class=\"sample\"") +
             "\n";
  if (!boxes.empty()) body_ += element("div", boxes, "class=\"samples\"") + "\n";
}

std::string HtmlPage::html() const {
  const std::string head =
      "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n" +
      text_element("title", title_) + element("style", page_style()) + "\n";
  const bool has_charts = body_.find("<figure>") != std::string::npos;
  const std::string script = has_charts ? element("script", page_script()) + "\n" : "";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n" + element("head", "\n" + head) + "\n" +
         element("body", "\n" + text_element("h1", title_) + body_ + script) + "\n</html>\n";
}

}  // namespace rlhf
