// What happens to texts that are longer than the limit.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/load_data.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;

constexpr std::int32_t kBos = ByteTokenizer::kBos, kEos = ByteTokenizer::kEos;

DataOptions limited(std::int64_t max_length, OverLength over_length, TruncationSide side = TruncationSide::right) {
  DataOptions options;
  options.max_length = max_length;
  options.over_length = over_length;
  options.truncation_side = side;
  return options;
}

// BOS a b c d e f EOS in pieces of 4: every token after BOS is a label once, and each piece begins with the token that
// predicts its first label.
TEST(Length, SplitTrainsEveryTokenOfATextOnce) {
  const auto set = make_samples({{"", "abcdef", true}}, ByteTokenizer(), {}, limited(4, OverLength::split));
  ASSERT_EQ(set.samples.size(), 3u);
  EXPECT_EQ(set.samples[0].ids, (TokenIds{kBos, 'a', 'b', 'c'}));
  EXPECT_EQ(set.samples[1].ids, (TokenIds{'c', 'd', 'e', 'f'}));
  EXPECT_EQ(set.samples[2].ids, (TokenIds{'f', kEos}));
  EXPECT_EQ(set.samples[2].trained, (std::vector<Span>{{1, 2}}));
  EXPECT_EQ(set.report.trained_tokens, 7);
  EXPECT_EQ(set.report.pieces, 3);
  EXPECT_EQ(set.report.dropped_over_length, 0);
}

TEST(Length, SplitDropsWhatHasAPromptAndKeepsShortTexts) {
  const auto set =
      make_samples({{"", "ab", true}, {"prompt", "completion"}}, ByteTokenizer(), {}, limited(4, OverLength::split));
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{1, 4}}));
  EXPECT_EQ(set.report.pieces, 0);
  EXPECT_EQ(set.report.dropped_over_length, 1);
}

TEST(Length, LeftTruncationKeepsTheEndOfThePromptAndTheCompletion) {
  const auto set =
      make_samples({{"abcdef", "xy"}}, ByteTokenizer(), {}, limited(6, OverLength::truncate, TruncationSide::left));
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'e', 'f', 'x', 'y', kEos})) << "BOS stays";
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{3, 6}}));
  EXPECT_EQ(set.report.beheaded, 1);
  EXPECT_EQ(set.report.truncated, 0);
  const auto right = make_samples({{"abc", "xyz"}}, ByteTokenizer(), {}, limited(6, OverLength::truncate));
  EXPECT_EQ(right.samples.at(0).ids, (TokenIds{kBos, 'a', 'b', 'c', 'x', 'y'}));
}

TEST(Length, ACompletionThatIsTooLongKeepsOneTokenOfItsPrompt) {
  const auto set =
      make_samples({{"abc", "uvwxyz"}}, ByteTokenizer(), {}, limited(5, OverLength::truncate, TruncationSide::left));
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'c', 'u', 'v', 'w'}));
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{2, 5}}));
  EXPECT_EQ(set.report.truncated, 1);
}

TEST(Length, TextsOfAPairLoseTheSameBeginning) {
  const Preference pair{"abcdef", {{"x"}, {"yyy"}}, {{}}};
  const auto set = make_ranked({pair}, ByteTokenizer(), {}, limited(8, OverLength::truncate, TruncationSide::left));
  EXPECT_EQ(set.samples.at(0).texts.at(0), (TokenIds{kBos, 'd', 'e', 'f', 'x', kEos}));
  EXPECT_EQ(set.samples[0].texts.at(1), (TokenIds{kBos, 'd', 'e', 'f', 'y', 'y', 'y', kEos}));
  EXPECT_EQ(set.samples[0].prompt_length, 4);
}

TEST(Length, PromptsCanLoseTheirBeginningOrBeRefused) {
  const auto set = make_prompts({{"abcdef", "{}"}}, ByteTokenizer(), {}, 3, 0, OverLengthPrompt::truncate);
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'e', 'f'}));
  EXPECT_EQ(set.report.beheaded, 1);
  EXPECT_THROW(make_prompts({{"abcdef", "{}"}}, ByteTokenizer(), {}, 3, 0, OverLengthPrompt::error), DataError);
}

TEST(Length, LossesAreWarnedOfFromFivePercentOn) {
  const auto warnings = [](std::int64_t dropped) {
    DataReport report;
    report.records = 100;
    report.dropped_over_length = dropped;
    report.length_limit = 16;
    report.longest_dropped = 40;
    return report.warnings();
  };
  EXPECT_EQ(warnings(5), std::vector<std::string>{});
  const std::string rest =
      " were dropped: they are longer than data.max_length = 16 tokens, the longest has 40; hint: raise "
      "data.max_length, or set data.over_length to truncate (or, for `text`, to split)";
  EXPECT_EQ(warnings(6), std::vector<std::string>{"6 of 100 records (6 %)" + rest});
  EXPECT_EQ(warnings(31), std::vector<std::string>{"LOSS OF DATA: 31 of 100 records (31 %)" + rest});
}

TEST(Length, TheDefaultFollowsTheModel) {
  EXPECT_EQ(with_max_length({}, 512).max_length, 512);
  EXPECT_EQ(with_max_length({}, 131072).max_length, 2048);
  EXPECT_EQ(with_max_length({}, 131072, 300).max_length, 300);
  EXPECT_EQ(with_max_length(limited(4096, OverLength::drop), 512).max_length, 4096) << "what is said is kept";
}

}  // namespace
}  // namespace rlhf
