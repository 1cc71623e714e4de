#include "rlhf/report/chart.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "report/decimate.h"
#include "report/markup_check.h"

namespace rlhf {
namespace {

using testing::count;
using testing::is_well_formed;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Chart chart(std::vector<Curve> curves) { return {.title = "T", .x_label = "step", .unit = "nats", .curves = curves}; }
std::string svg(const Chart& chart) { return inline_svg(draw(chart), chart.title); }
std::string svg(std::vector<Curve> curves) { return svg(chart(std::move(curves))); }

TEST(WellFormed, CheckerOfTheseTestsSeesMistakes) {
  EXPECT_TRUE(is_well_formed("<p class=\"a\">x &amp; y<br/></p>"));
  EXPECT_TRUE(is_well_formed("<p>a > b</p>"));
  for (const char* wrong : {"<p>x", "<p><b>x</p></b>", "<p>x & y</p>", "<p>1 < 2</p>", "<p class=\"a>\"</p>", "x</p>"})
    EXPECT_FALSE(is_well_formed(wrong)) << wrong;
}

// The area of the curves is x 48 to 382, y 188 (bottom) to 26 (top): src/report/svg_chart.cpp.
TEST(DrawChart, PointsAreWhereTheAxesSay) {
  const std::string drawing = svg({{"a", {{0, 0}, {5, 0.5}, {10, 1}}}});
  EXPECT_NE(drawing.find("d=\"M48 188 215 107 382 26\""), std::string::npos) << drawing;
  EXPECT_NE(drawing.find("cx=\"382\" cy=\"26\" r=\"3\"><title>a: 1 at 10</title>"), std::string::npos) << drawing;
}

TEST(DrawChart, AxesHaveTicksLabelsAndAUnit) {
  const std::string drawing = svg({{"a", {{0, 0.03}, {160, 0.97}}}});
  for (const char* part : {">0<", ">0.2<", ">1<", ">50<", ">150<", ">step<", ">nats<"})
    EXPECT_NE(drawing.find(part), std::string::npos) << part;
  EXPECT_NE(drawing.find("data-ranges=\"0 160 48 382 0 1 188 26\""), std::string::npos);
  EXPECT_EQ(drawing.find(">200<"), std::string::npos);
  EXPECT_TRUE(is_well_formed(drawing));
}

TEST(DrawChart, StepsAreWholeNumbers) {
  const std::string drawing = svg({{"a", {{1, 10}, {3, 20}}}});
  EXPECT_EQ(drawing.find(">1.5<"), std::string::npos);
  EXPECT_NE(drawing.find(">2<"), std::string::npos);
}

TEST(DrawChart, CurvesDifferInColourAndDash) {
  std::vector<Curve> curves;
  for (int i = 0; i < 24; ++i) curves.push_back({"curve " + std::to_string(i), {{0, i}, {1, i + 1}}});
  const std::string drawing = svg(curves);
  for (int colour = 0; colour < 6; ++colour)
    for (int dash = 0; dash < 4; ++dash) {
      const std::string classes = "<path class=\"c" + std::to_string(colour) + " d" + std::to_string(dash) + "\"";
      EXPECT_EQ(count(drawing, classes), 1u) << classes;
    }
}

TEST(DrawChart, AnEmptyCurveKeepsItsPlace) {
  const std::string drawing = svg({{"a", {}}, {"b", {{0, 0}, {1, 1}}}});
  EXPECT_EQ(count(drawing, "class=\"c0 "), 0u);
  EXPECT_EQ(count(drawing, "<path class=\"c1 d1\""), 1u);
}

TEST(DrawChart, ValuesThatAreNotFiniteAreMarkedGaps) {
  const std::string drawing = svg({{"a", {{0, 0}, {1, kNan}, {2, 1}, {3, INFINITY}, {4, 0}}}});
  EXPECT_NE(drawing.find("d=\"M48 188h0M215 26h0M382 188h0\""), std::string::npos) << drawing;
  EXPECT_EQ(count(drawing, "class=\"gap\""), 2u);
  EXPECT_NE(drawing.find("<title>a is not finite at 1</title>"), std::string::npos);
  EXPECT_EQ(drawing.find("nan"), std::string::npos);
  EXPECT_EQ(drawing.find("inf\""), std::string::npos);
}

TEST(DrawChart, NothingButGapsIsAFrameWithMarks) {
  const std::string drawing = svg({{"a", {{0, kNan}, {100, kNan}}}});
  EXPECT_TRUE(is_well_formed(drawing));
  EXPECT_EQ(count(drawing, "class=\"gap\""), 2u);
  EXPECT_EQ(count(drawing, "<circle"), 0u);
}

TEST(DrawChart, OnePointAFlatLineAndHugeNumbersAreDrawn) {
  const std::vector<std::vector<std::pair<double, double>>> cases = {
      {{3, 5}}, {{0, 0}, {1, 0}}, {{0, 1e300}, {1, -1e300}}, {{1e9, 1e-9}, {1e9 + 1, 2e-9}}, {{-5, -2}, {-1, -2}}};
  for (const auto& points : cases) {
    const std::string drawing = svg({{"a", points}});
    EXPECT_TRUE(is_well_formed(drawing));
    EXPECT_EQ(count(drawing, "<circle"), 1u);
    EXPECT_EQ(drawing.find("nan"), std::string::npos);
    EXPECT_LT(count(drawing, "<text"), 30u);
  }
}

TEST(DrawChart, NamesAreEscaped) {
  Chart hostile = chart({{"<script>\"&'", {{0, 1}, {1, kNan}}}});
  hostile.title = hostile.x_label = hostile.unit = "</svg><script>";
  EXPECT_TRUE(is_well_formed(svg(hostile)));
  EXPECT_EQ(svg(hostile).find("<script"), std::string::npos);
}

TEST(Decimated, KeepsTheExtremesOfEveryColumnInOrder) {
  const Axis axis{.low = 0, .high = 1000, .step = 100, .from = 0, .to = 10};  // a column is 100 points
  Points points;
  for (int i = 0; i < 1000; ++i) points.emplace_back(i, i % 7);
  points[150].second = 99;
  points[130].second = -99;
  const Points kept = decimated(points, axis);
  EXPECT_LE(kept.size(), 40u);
  EXPECT_EQ(kept.front(), points.front());
  EXPECT_EQ(kept.back(), points.back());
  const Points second_column(kept.begin() + 3, kept.begin() + 7);  // in the first, the first point is the lowest
  EXPECT_EQ(second_column, (Points{points[100], points[130], points[150], points[199]}));
}

TEST(Decimated, FewPointsStayAndGapsAreKeptOncePerColumn) {
  const Axis axis{.low = 0, .high = 1000, .step = 100, .from = 0, .to = 10};
  const Points few = {{0, 1}, {1, 2}, {1000, 0}};
  EXPECT_EQ(decimated(few, axis), few);
  Points holes;
  for (int i = 0; i < 1000; ++i) holes.emplace_back(i, i % 2 == 0 ? 1.0 : kNan);
  const Points kept = decimated(holes, axis);
  EXPECT_LE(kept.size(), 50u);
  std::size_t gaps = 0;
  for (const auto& point : kept) gaps += std::isnan(point.second) ? 1 : 0;
  EXPECT_EQ(gaps, 10u);
}

TEST(Averaged, IsTheMeanOfEveryHundredthOfTheAxis) {
  const Axis axis{.low = 0, .high = 1000, .step = 100, .from = 50, .to = 250};
  Points points;
  for (int i = 0; i < 1000; ++i) points.emplace_back(i, i % 10);
  points[995].second = kNan;
  const Points means = averaged(points, axis);
  ASSERT_EQ(means.size(), 100u);
  EXPECT_EQ(means[0], (std::pair<double, double>{4.5, 4.5}));
  EXPECT_EQ(means[42], (std::pair<double, double>{424.5, 4.5}));
  EXPECT_TRUE(std::isnan(means[99].second));
}

TEST(DrawChart, ManyPointsAreABandAndAMean) {
  Points points;
  for (int i = 0; i < 10000; ++i) points.emplace_back(i, i % 2);
  const std::string many = svg({{"a", points}});
  EXPECT_EQ(count(many, "<path class=\"c0 d0 range\""), 1u);
  EXPECT_EQ(count(many, "<path class=\"c0 d0\""), 1u);
  EXPECT_LT(many.size(), 30000u);
  points.resize(1000);
  EXPECT_EQ(count(svg({{"a", points}}), " range\""), 0u);
}

TEST(DrawBars, LengthsFollowTheValues) {
  const BarChart bars{.title = "T",
                      .unit = "%",
                      .series = {"before", "after"},
                      .rows = {{"right", {50, 100}}, {"wrong", {0, 25}}},
                      .width = 262};  // 200 for the longest bar
  const std::string drawing = inline_svg(draw(bars), "T");
  EXPECT_TRUE(is_well_formed(drawing));
  for (const char* part : {"width=\"100\" height=\"16\"", "width=\"200\" height=\"16\"", "width=\"50\" height=\"16\"",
                           "width=\"1\" height=\"16\"", ">50 %<", ">100 %<", ">25 %<", ">right<"})
    EXPECT_NE(drawing.find(part), std::string::npos) << part;
}

TEST(SvgFile, StandsAloneInEitherTheme) {
  const Chart curves = chart({{"a", {{0, 1}, {1, 2}}}, {"b", {{0, 2}, {1, 1}}}});
  const BarChart bars{.title = "Bars", .series = {"x", "y"}, .rows = {{"r", {1, 2}}}};
  for (const auto& [theme, background] : {std::pair{Theme::light, "#ffffff"}, std::pair{Theme::dark, "#0f1317"}}) {
    const std::string file = svg_file({draw_with_title(curves), draw_with_title(bars)}, "Both", theme);
    EXPECT_TRUE(is_well_formed(file));
    EXPECT_EQ(file.find("var("), std::string::npos);
    for (const char* part : {background, ">T<", ">Bars<", ">a<", ">b<", ">x<", "width=\"876\""})
      EXPECT_NE(file.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace rlhf
