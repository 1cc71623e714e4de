#include "rlhf/report/html_page.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "report/markup.h"
#include "report/markup_check.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::count;
using testing::is_well_formed;

Chart chart(const std::string& name) {
  return {.title = name, .x_label = name, .unit = name, .curves = {{name, {{0, 1}, {10, 2.5}}}, {name, {{0, 3}}}}};
}

// A page with `text` wherever a text can be.
std::string full_page(const std::string& text) {
  HtmlPage page(text);
  page.badge(text, text);
  page.figures({{text, text, text}});
  page.heading(text);
  page.subheading(text);
  page.paragraphs(text + "\n\nSecond.");
  page.table({{text, "before"}, {text, "2.5"}});
  page.terms({{text, text}});
  page.charts({chart(text)});
  page.bars({.title = text, .unit = text, .series = {text, text}, .rows = {{text, {1, 2}}}});
  page.legend({text});
  page.preformatted(text);
  page.folded(text, text);
  page.samples({{text, text, text}});
  return page.html();
}

TEST(HtmlPage, IsOneWellFormedPageThatLoadsNothing) {
  const std::string html = full_page("text");
  EXPECT_TRUE(is_well_formed(html));
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(count(html, "<p>"), 2u);
  EXPECT_NE(html.find("<tr><td>text</td><td>2.5</td></tr>"), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos);
  for (const char* outside : {"src=", "href=", "url(", "@import", "<link", "fetch(", "import("})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
}

TEST(HtmlPage, TextIsEscapedEverywhere) {
  const std::string html = full_page("</pre></style><script>alert('\"&\x01')</script>");
  EXPECT_TRUE(is_well_formed(html));
  EXPECT_EQ(count(html, "<script"), 1u);  // ours
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_GE(count(html, "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"), 18u);
}

TEST(HtmlPage, LegendsShowTheLastValue) {
  HtmlPage page("t");
  page.charts({chart("loss")});
  EXPECT_NE(page.html().find("loss 2.5</li>"), std::string::npos);
  EXPECT_NE(page.html().find("loss 3</li>"), std::string::npos);
  HtmlPage one("t");
  one.charts({{.title = "loss", .curves = {{"loss", {{0, 1}, {1, 0.25}}}}}});
  EXPECT_NE(one.html().find("<figcaption>loss<span>0.25</span></figcaption>"), std::string::npos);
}

TEST(HtmlPage, NarrowScreensCutNoNamesAndNoBars) {
  HtmlPage page("t");
  page.figures({{"perf/peak_bytes", "1", ""}});
  page.terms({{"Data", "8 to 15 tokens ██ 2 <█"}});
  EXPECT_NE(page.html().find("<span>perf/<wbr/>peak_<wbr/>bytes</span>"), std::string::npos);
  EXPECT_NE(page.html().find("tokens <span class=\"bar\">██</span> 2 &lt;<span class=\"bar\">█</span></dd>"),
            std::string::npos);
}

TEST(HtmlPage, NothingToShowLeavesNoTrace) {
  HtmlPage page("t");
  page.table({{"only", "a head"}});
  page.terms({});
  page.charts({});
  page.figures({});
  page.samples({});
  EXPECT_EQ(page.html(), HtmlPage("t").html());
}

TEST(EscapeMarkup, LeavesWhatXmlAllows) {
  EXPECT_EQ(escape_markup("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape_markup("tab\tline\nend\x1b[0m\r\x7f"), "tab\tline\nend[0m\x7f");
  EXPECT_EQ(escape_markup("é😀"), "é😀");
  EXPECT_EQ(escape_markup("\xC3 \xF0\x9F\x98"), "\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escape_markup("a\xEF\xBF\xBE\xEF\xBF\xBF"), "a");
}

TEST(HtmlPage, PythonsXmlParserReadsIt) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python";
  const testing::TemporaryFolder folder;
  folder.write("page.html", full_page("<&>\"' \xEF\xBF\xBF \xC3 \x02 é"));
  folder.write("picture.svg", svg_file({draw_with_title(chart("<&>"))}, "<&>", Theme::dark));
  const std::string parse = " -c 'import sys, xml.dom.minidom as m; [m.parse(f) for f in sys.argv[1:]]' ";
  const std::string files = (folder / "page.html").string() + " " + (folder / "picture.svg").string();
  EXPECT_EQ(std::system((std::string(python) + parse + files).c_str()), 0);
}

}  // namespace
}  // namespace rlhf
