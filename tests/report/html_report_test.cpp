#include "rlhf/report/html_report.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Chart chart(std::vector<Curve> curves) { return {"A title", "step", "loss", std::move(curves)}; }

std::string page(const std::vector<Chart>& charts) { return html_report("Run", "", {}, charts); }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Whether every tag is closed in its turn and no stray "<" or "&" is left, as XML asks. (XML is stricter than HTML.)
bool is_well_formed(std::string text) {
  text = std::regex_replace(text, std::regex("<!DOCTYPE html>"), "");
  text = std::regex_replace(text, std::regex("&(amp|lt|gt|quot|#39);"), "");
  const std::regex tag("<(/?)([a-z0-9]+)((?: [a-zA-Z0-9-]+=\"[^\"<]*\")*)(/?)>");
  std::vector<std::string> open;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), tag); it != std::sregex_iterator(); ++it) {
    const std::smatch& match = *it;
    if (match[4].length() > 0) continue;
    if (match[1].length() == 0) {
      open.push_back(match[2]);
    } else {
      if (open.empty() || open.back() != match[2]) return false;
      open.pop_back();
    }
  }
  return open.empty() && std::regex_replace(text, tag, "").find_first_of("<&") == std::string::npos;
}

TEST(HtmlReport, CheckerOfTheseTestsSeesMistakes) {
  EXPECT_TRUE(is_well_formed("<p class=\"a\">x &amp; y<br/></p>"));
  EXPECT_FALSE(is_well_formed("<p>x"));
  EXPECT_FALSE(is_well_formed("<p><b>x</p></b>"));
  EXPECT_FALSE(is_well_formed("<p>x & y</p>"));
  EXPECT_FALSE(is_well_formed("<p>1 < 2</p>"));
}

TEST(HtmlReport, IsOneWellFormedPageThatLoadsNothing) {
  const std::string html = html_report("Run", "First.\nSecond.", {{"", "before", "after"}, {"loss", "2.5", "1.0"}},
                                       {chart({{"a", {{0, 1}, {10, 2}}}, {"b", {{0, 2}, {10, 1}}}}), chart({})});
  EXPECT_TRUE(is_well_formed(html));
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(count(html, "<p>"), 2u);
  EXPECT_NE(html.find("<tr><th></th><th>before</th><th>after</th></tr>"), std::string::npos);
  EXPECT_NE(html.find("<tr><td>loss</td><td>2.5</td><td>1.0</td></tr>"), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos);
  for (const char* outside : {"src=", "href=", "url(", "@import", "<script"})
    EXPECT_EQ(html.find(outside), std::string::npos);
}

TEST(HtmlReport, TextIsEscapedWhereverItStands) {
  const std::string evil = "<script>alert('\"&\x01')</script>";
  const std::string html = html_report(evil, evil, {{evil}, {evil}}, {{evil, evil, evil, {{evil, {{0, 0}, {1, 1}}}}}});
  EXPECT_TRUE(is_well_formed(html));
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_GE(count(html, "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"), 8u);
}

// The drawing area is x 70 to 704, y 252 (bottom) to 12 (top): src/report/svg_chart.cpp.
TEST(SvgChart, PointsLieWhereTheAxesSay) {
  const std::string html = page({chart({{"a", {{0, 0}, {5, 0.5}, {10, 1}}}})});
  EXPECT_NE(html.find("d=\"M70.0 252.0L387.0 132.0L704.0 12.0\""), std::string::npos);
}

TEST(SvgChart, TicksAreRoundNumbers) {
  const std::string html = page({chart({{"a", {{0, 0.03}, {160, 0.97}}}})});
  for (const char* tick : {">0<", ">0.2<", ">0.4<", ">0.6<", ">0.8<", ">1<", ">50<", ">100<", ">150<"})
    EXPECT_NE(html.find(tick), std::string::npos) << tick;
  EXPECT_EQ(html.find(">200<"), std::string::npos);
}

TEST(SvgChart, EveryCurveHasItsColourAndALegendEntry) {
  std::vector<Curve> curves;
  for (int i = 0; i < 8; ++i) curves.push_back({"curve " + std::to_string(i), {{0, i}, {1, i + 1}}});
  const std::string html = page({chart(curves)});
  EXPECT_EQ(count(html, "<li>"), 8u);
  EXPECT_EQ(count(html, "<path class=\"c0\""), 2u);         // legend and drawing
  EXPECT_EQ(count(html, "<path class=\"c0 dashed\""), 2u);  // the seventh
}

TEST(SvgChart, ValuesThatAreNotFiniteAreGaps) {
  const std::string html = page({chart({{"a", {{0, 0}, {1, kNan}, {2, 1}, {3, 0}}}, {"b", {{0, INFINITY}}}})});
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_EQ(html.find("inf"), std::string::npos);
  EXPECT_NE(html.find("d=\"M70.0 252.0M492.7 12.0L704.0 252.0\""), std::string::npos);
}

TEST(SvgChart, OnePointAFlatLineAndHugeNumbersAreDrawn) {
  for (const std::vector<std::pair<double, double>>& points :
       std::vector<std::vector<std::pair<double, double>>>{{{3, 5}},
                                                           {{0, 0}, {1, 0}},
                                                           {{0, 1e300}, {1, -1e300}},
                                                           {{1e9, 1e-9}, {1e9 + 1, 2e-9}},
                                                           {{-5, -2}, {-1, -2}}}) {
    const std::string html = page({chart({{"a", points}})});
    EXPECT_TRUE(is_well_formed(html));
    EXPECT_EQ(count(html, "<circle"), 1u);
    EXPECT_EQ(html.find("nan"), std::string::npos);
    EXPECT_LT(count(html, "<text"), 40u);
  }
}

TEST(HtmlReport, PythonsXmlParserReadsIt) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python";
  const testing::TemporaryFolder folder;
  const auto file = folder.write("a.html", page({chart({{"a <&>", {{0, 1}, {10, 2}}}}), chart({})}));
  const std::string parse = " -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' ";
  EXPECT_EQ(std::system((std::string(python) + parse + file.string()).c_str()), 0);
}

}  // namespace
}  // namespace rlhf
