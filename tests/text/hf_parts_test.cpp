#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "text/hf/aligned_text.h"
#include "text/hf/characters.h"
#include "text/hf/pair_table.h"
#include "text/hf/pattern.h"
#include "text/hf/unicode_forms.h"

namespace rlhf::hf {
namespace {

std::vector<std::string> matches(const std::string& pattern, const std::string& text) {
  std::vector<TextRange> found;
  finder_of_regex(Regex(to_pcre2(pattern)))(text, found);
  std::vector<std::string> texts;
  for (const TextRange& match : found) texts.push_back(text.substr(match.begin, match.end - match.begin));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Pattern, MeansWhatItMeansInOniguruma) {
  EXPECT_EQ(matches(R"(\s)", "a\u180e\u3000b"), (Texts{"\u3000"})) << "U+180E is a space in PCRE2 alone";
  EXPECT_EQ(matches(R"([\s]+)", "\u0085\u00a0x"), (Texts{"\u0085\u00a0"}));
  EXPECT_EQ(matches(R"([^\S\n]+)", " \n\t"), (Texts{" ", "\t"}));
  EXPECT_EQ(matches(R"(\w+)", "e\u0301_1-a"), (Texts{"e\u0301_1", "a"})) << "a mark belongs to a word";
  EXPECT_EQ(matches(R"(\w)", "²½৴"), (Texts{"²", "½"})) << "of the numbers that are no digits only Latin-1's";
  EXPECT_EQ(matches(R"(\v)", "\n\x0b"), (Texts{"\x0b"})) << "one character, not all vertical space";
  EXPECT_EQ(matches(R"(\p{Hiragana}+)", "かー゛"), (Texts{"か"})) << "the script itself, not its extensions";
  EXPECT_EQ(matches(R"(\p{^L}+)", "a1é"), (Texts{"1"}));
  EXPECT_EQ(matches(R"(\P{^L}+)", "a1é"), (Texts{"a", "é"}));
  EXPECT_EQ(matches(R"((?i:'s))", "'S'ſ's"), (Texts{"'S", "'ſ", "'s"}));
  EXPECT_EQ(matches(R"(^b)", "a\nb"), (Texts{"b"})) << "a line's start";
  EXPECT_EQ(matches(R"(a++a|a)", "aa"), (Texts{"a", "a"})) << "possessive";
  EXPECT_EQ(matches(R"(\u00e9|\x{1F600})", "é😀"), (Texts{"é", "😀"}));
  EXPECT_EQ(matches(R"(x*)", "axb"), (Texts{"", "x", ""})) << "no empty match directly behind another match";
}

TEST(Pattern, WhatHasNoCounterpartIsRefused) {
  for (const char* pattern :
       {"(?m:a)", "(?i)a", "(?#x)", "(?<n>a)", R"(\h)", R"(\b)", R"(\R)", R"(\1)", R"(\Qa\E)", R"([\W])", "[]a]",
        "[[:alpha:]]", "[a-z&&[^b]]", "a{,3}", "a{2}?", R"(\xE9)", R"(\pL)", R"(\p{L&})", "a{"})
    EXPECT_THROW(to_pcre2(pattern), std::invalid_argument) << pattern;
}

std::string form_of(UnicodeForm form, const std::string& text) {
  AlignedText aligned(text);
  to_form(form, aligned);
  return std::string(aligned.text());
}

// Unicode's own examples (UAX 15, figures 3 to 6), Hangul, and the order of marks.
TEST(UnicodeForms, AreThoseOfTheStandard) {
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\u212B\u2126"), "\u00C5\u03A9");
  EXPECT_EQ(form_of(UnicodeForm::nfd, "\u212B\u2126"), "A\u030A\u03A9");
  EXPECT_EQ(form_of(UnicodeForm::nfc, "s\u0307\u0323"), "\u1E69");
  EXPECT_EQ(form_of(UnicodeForm::nfd, "\u1E0B\u0323"), "d\u0323\u0307");
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\u1E0B\u0323"), "\u1E0D\u0307");
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\uFB01"), "\uFB01");
  EXPECT_EQ(form_of(UnicodeForm::nfkc,
                    "\uFB01"
                    "2\u2075"),
            "fi25");
  EXPECT_EQ(form_of(UnicodeForm::nfkd, "\u1E9B\u0323"), "s\u0323\u0307");
  EXPECT_EQ(form_of(UnicodeForm::nfkc, "\u1E9B\u0323"), "\u1E69");
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(form_of(UnicodeForm::nfd, "\uD55C"), "\u1112\u1161\u11AB");
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\u09C7\u09BE"), "\u09CB") << "two starters";
  EXPECT_EQ(form_of(UnicodeForm::nfc, "\u0958"), "\u0915\u093C") << "an excluded composition";
  EXPECT_EQ(form_of(UnicodeForm::nfc, "e\u0327\u0301"), "\u0229\u0301");
}

TEST(UnicodeForms, ACompositionCoversAllItsCharacters) {
  AlignedText text("ae\u0301b");
  to_form(UnicodeForm::nfc, text);
  EXPECT_EQ(text.text(), "a\u00E9b");
  EXPECT_EQ(text.end_before(1), 1);
  EXPECT_EQ(text.end_before(2), 1) << "inside a character";
  EXPECT_EQ(text.end_before(3), 4);
  EXPECT_EQ(text.end_before(4), 5);
}

// Table 3-8 of Unicode 15: 61 F1 80 80 E1 80 C2 62 80 63 80 BF 64.
TEST(Characters, IllFormedSequencesAreReplacedByTheirMaximalSubparts) {
  EXPECT_EQ(mended_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFD"
            "b\uFFFD"
            "c\uFFFD\uFFFD"
            "d");
  EXPECT_EQ(mended_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A")
      << "table 3-7";
  EXPECT_EQ(mended_utf8("\xE2\x82"), "\uFFFD");
  EXPECT_EQ(AlignedText("a\xE2\x82z").text(), "a\uFFFDz");
  EXPECT_EQ(AlignedText("a\xE2\x82z").end_before(4), 3);
}

TEST(Characters, LettersOfBytesAreGpt2s) {
  EXPECT_EQ(letter_of_byte('a'), "a");
  EXPECT_EQ(letter_of_byte(' '), "Ġ");
  EXPECT_EQ(letter_of_byte('\n'), "Ċ");
  EXPECT_EQ(letter_of_byte(0xAD), "Ń") << "the last one without a printable character of its own, U+0143";
  EXPECT_EQ(bytes_of_letters("Ġé"), " \xE9");
  EXPECT_EQ(bytes_of_letters("日 a"), "日 a") << "a piece that is not in the alphabet stands for itself";
}

TEST(PairTable, KeepsTheLastValueOfEveryKeyWhileItGrows) {
  PairTable table;
  EXPECT_EQ(table.find({0, 0}), nullptr);
  for (std::uint32_t i = 0; i < 5000; ++i) table.set({i, i * 7}, {i, 1});
  for (std::uint32_t i = 0; i < 5000; i += 2) table.set({i, i * 7}, {i, 2});
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_NE(table.find({i, i * 7}), nullptr);
    EXPECT_EQ(*table.find({i, i * 7}), (PairTable::Pair{i, i % 2 == 0 ? 2u : 1u}));
  }
  EXPECT_EQ(table.find({1, 0}), nullptr);
}

}  // namespace
}  // namespace rlhf::hf
