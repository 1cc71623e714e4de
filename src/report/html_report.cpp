#include "rlhf/report/html_report.h"

#include <sstream>

#include "report/markup.h"
#include "report/svg_chart.h"

namespace rlhf {
namespace {

// Curve colours are told apart by people with colour blindness as well (after Okabe and Ito), on either background.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --page: #ffffff; --ink: #1b1f24; --soft: #59636e; --grid: #dde2e7;
  --c0: #0072b2; --c1: #d55e00; --c2: #00805d; --c3: #b5478a; --c4: #8a6d00; --c5: #3f7fbf; }
@media (prefers-color-scheme: dark) {
  :root { --page: #101418; --ink: #e6eaee; --soft: #9aa5b0; --grid: #2a323a;
    --c0: #56b4e9; --c1: #ff8f4a; --c2: #35c99b; --c3: #e79ac8; --c4: #e6c34a; --c5: #a9b8ff; } }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
figure { margin: 2rem 0; }
figcaption { font-weight: 600; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: 0; padding: 0;
  color: var(--soft); font-size: 0.875rem; }
.legend svg { width: 24px; height: 8px; margin-right: 0.4rem; vertical-align: middle; }
figure > svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.9rem; text-align: right; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
svg text { fill: var(--soft); font-size: 12px; }
svg line.grid { stroke: var(--grid); } svg line.axis { stroke: var(--soft); }
svg path { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg path.dashed { stroke-dasharray: 6 4; }
path.c0 { stroke: var(--c0); } path.c1 { stroke: var(--c1); } path.c2 { stroke: var(--c2); }
path.c3 { stroke: var(--c3); } path.c4 { stroke: var(--c4); } path.c5 { stroke: var(--c5); }
circle.c0 { fill: var(--c0); } circle.c1 { fill: var(--c1); } circle.c2 { fill: var(--c2); }
circle.c3 { fill: var(--c3); } circle.c4 { fill: var(--c4); } circle.c5 { fill: var(--c5); }
)";

std::string paragraphs(const std::string& text) {
  std::string html;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) html += "<p>" + escape_markup(line) + "</p>\n";
  }
  return html;
}

std::string table_row(const std::vector<std::string>& cells, const std::string& tag) {
  std::string html = "<tr>";
  for (const std::string& cell : cells) html += "<" + tag + ">" + escape_markup(cell) + "</" + tag + ">";
  return html + "</tr>\n";
}

std::string table_element(const std::vector<std::vector<std::string>>& table) {
  if (table.empty()) return "";
  std::string html = "<div class=\"scroll\"><table>\n<thead>" + table_row(table.front(), "th") + "</thead>\n<tbody>\n";
  for (std::size_t i = 1; i < table.size(); ++i) html += table_row(table[i], "td");
  return html + "</tbody>\n</table></div>\n";
}

std::string figure(const Chart& chart) {
  std::string html = "<figure>\n<figcaption>" + escape_markup(chart.title) + "</figcaption>\n<ul class=\"legend\">";
  for (std::size_t i = 0; i < chart.curves.size(); ++i)
    html += "<li><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"" + curve_classes(i) +
            "\" d=\"M0 4L24 4\"/></svg>" + escape_markup(chart.curves[i].name) + "</li>";
  return html + "</ul>\n" + svg_chart(chart) + "</figure>\n";
}

}  // namespace

std::string html_report(const std::string& title, const std::string& introduction,
                        const std::vector<std::vector<std::string>>& table, const std::vector<Chart>& charts) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
      escape_markup(title) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<h1>" + escape_markup(title) +
      "</h1>\n" + paragraphs(introduction) + table_element(table);
  for (const Chart& chart : charts) html += figure(chart);
  return html + "</body>\n</html>\n";
}

}  // namespace rlhf
