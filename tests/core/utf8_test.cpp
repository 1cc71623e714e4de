#include "rlhf/core/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

struct Utf8Case {
  const char* what;
  std::string text;
  std::optional<std::size_t> bad_at;
};

// The borders of Unicode 15, table 3-7 (well-formed UTF-8 byte sequences).
TEST(Utf8, AcceptsWhatTheTableOfUnicodeAcceptsAndNothingElse) {
  const Utf8Case cases[] = {
      {"ASCII", "abc", std::nullopt},
      {"lowest of two bytes", "\xC2\x80", std::nullopt},
      {"lowest of three bytes", "\xE0\xA0\x80", std::nullopt},
      {"last before the surrogates", "\xED\x9F\xBF", std::nullopt},
      {"lowest of four bytes", "\xF0\x90\x80\x80", std::nullopt},
      {"U+10FFFF", "\xF4\x8F\xBF\xBF", std::nullopt},
      {"overlong slash", "ab\xC0\xAF", 2},
      {"overlong of three bytes", "\xE0\x9F\xBF", 0},
      {"a surrogate", "\xED\xA0\x80", 0},
      {"overlong of four bytes", "\xF0\x8F\xBF\xBF", 0},
      {"above U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"a tail without a lead", "a\x80", 1},
      {"cut short", "a\xE2\x82", 1},
      {"Latin-1", "caf\xE9!", 3},
  };
  for (const Utf8Case& c : cases) EXPECT_EQ(first_invalid_utf8(c.text), c.bad_at) << c.what;
}

TEST(Shortened, NeverCutsInsideACharacter) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcdefg", 6), "abc…") << "the mark has three bytes";
  EXPECT_EQ(shortened("aéééé", 6), "aé…");
  EXPECT_EQ(shortened("éééé", 6), "é…");
}

}  // namespace
}  // namespace rlhf
