#include "feedback/markup.h"

#include <gtest/gtest.h>

namespace rlhf {
namespace {

void expect_counts(std::string_view text, std::size_t code, std::size_t marks, std::size_t items) {
  const MarkupCounts found = count_markup(text);
  EXPECT_EQ(found.code, code) << text;
  EXPECT_EQ(found.marks, marks) << text;
  EXPECT_EQ(found.items, items) << text;
}

TEST(Markup, OfPlainTextIsNothing) {
  expect_counts("", 0, 0, 0);
  expect_counts("It costs 3.50 - or 4. That's * not # marked.\n-5 degrees, 2 > 1.", 0, 0, 0);
}

TEST(Markup, CountsListItems) {
  expect_counts("- one\n* two\n  + three\n\u2022 four", 0, 0, 4);
  expect_counts("1. one\n12) two\n1.5 is no item\n2024. is a year with four digits", 0, 0, 2);
}

TEST(Markup, CountsHeadingsBoldLinksAndTables) {
  expect_counts("# One\n###### Six\n####### Seven\n#tag", 0, 2, 0);
  expect_counts("This is **bold** and **bolder**, **open", 0, 2, 0);
  expect_counts("See [this](https://a.b) and [that](c).", 0, 2, 0);
  expect_counts("| a | b |\n|---|---|\n| 1 | 2 |", 0, 3, 0);
}

TEST(Markup, CountsCodeAndNothingInsideIt) {
  expect_counts("Call `f(x)` or `g`.", 2, 0, 0);
  expect_counts("```python\n# no heading\n- no item\nx = `y`\n```\n# heading", 1, 1, 0);
  expect_counts("  ~~~\ncode\n  ~~~\n- item\n```\nnever closed\n- no item", 2, 0, 1);
}

}  // namespace
}  // namespace rlhf
