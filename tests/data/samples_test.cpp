#include "rlhf/data/samples.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
constexpr std::int32_t kBos = ByteTokenizer::kBos, kEos = ByteTokenizer::kEos, kMerge = ByteTokenizer::kFirstMerge;

DataOptions options(std::int64_t max_length, OverLength over_length = OverLength::drop,
                    TrainOn train_on = TrainOn::completion) {
  DataOptions data;
  data.max_length = max_length;
  data.over_length = over_length;
  data.train_on = train_on;
  return data;
}

Demonstration demonstration(std::string prompt, std::string completion) {
  return {std::move(prompt), std::move(completion), false};
}

Demonstration whole_text(std::string text) { return {"", std::move(text), true}; }

SampleSet<Sample> make(const std::vector<Demonstration>& records, const DataOptions& data,
                       const ByteTokenizer& tokenizer = {}) {
  return make_samples(records, tokenizer, {PromptTemplate("{prompt}={completion}")}, data);
}

std::string message_of(const std::vector<Demonstration>& records, const DataOptions& data) {
  try {
    make(records, data);
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Samples, CompletionAndEosAreTrainedThePromptIsNot) {
  const auto set = make({demonstration("a", "bc")}, options(16));  // BOS a = b c EOS
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].ids, (TokenIds{kBos, 'a', '=', 'b', 'c', kEos}));
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{3, 6}}));
  EXPECT_EQ(set.samples[0].num_labels(), 3);
}

TEST(Samples, TrainOnAllStartsAtIndexOne) {
  const auto set = make({demonstration("a", "b")}, options(16, OverLength::drop, TrainOn::all));  // BOS a = b EOS
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{1, 5}}));
}

TEST(Samples, TextIsTrainedFromIndexOneWithoutTheTemplate) {
  const auto set = make({whole_text("ab")}, options(16));
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'a', 'b', kEos}));
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{1, 4}}));
}

TEST(Samples, FirstTokenIsNoLabelWithoutPromptAndBos) {
  ByteTokenizer tokenizer;
  tokenizer.add_bos = false;
  const auto set = make_samples({demonstration("", "ab")}, tokenizer, {}, options(16));
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{'a', 'b', kEos}));
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{1, 3}}));
}

TEST(Samples, EmptyCompletionTrainsEosAlone) {
  const auto set = make({demonstration("a", "")}, options(16));  // BOS a = EOS
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{3, 4}}));
}

TEST(Samples, StraddlingTokenIsTrainedAndCounted) {
  ByteTokenizer tokenizer;
  tokenizer.merges = {"=b"};
  const auto set = make({demonstration("a", "bc"), demonstration("a", "cc")}, options(16), tokenizer);
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'a', kMerge, 'c', kEos}));
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{2, 5}}));
  EXPECT_EQ(set.report.straddling, 1);
}

// BOS a = b EOS is 5 tokens, BOS a = b c EOS is 6.
TEST(Samples, LongerThanMaxLengthIsDroppedAndCounted) {
  const auto set = make({demonstration("a", "b"), demonstration("a", "bc")}, options(5));
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].ids.size(), 5u);
  EXPECT_EQ(set.report.dropped_over_length, 1);
}

TEST(Samples, TruncationCutsTheCompletionAndItsEos) {
  const auto set = make({demonstration("a", "bcd")}, options(5, OverLength::truncate));
  EXPECT_EQ(set.samples.at(0).ids, (TokenIds{kBos, 'a', '=', 'b', 'c'}));
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{3, 5}}));
  EXPECT_EQ(set.report.truncated, 1);
}

TEST(Samples, PromptThatFillsMaxLengthIsDroppedWhateverIsTrained) {
  for (const TrainOn train_on : {TrainOn::completion, TrainOn::all}) {
    const auto set =
        make({demonstration("abc", "d"), demonstration("a", "b")}, options(5, OverLength::truncate, train_on));
    EXPECT_EQ(set.samples.size(), 1u);
    EXPECT_EQ(set.report.dropped_without_label, 1);
    EXPECT_EQ(set.report.truncated, 0);
  }
}

TEST(Samples, OverLengthErrorNamesTheRecordAndBothLengths) {
  const std::string message =
      message_of({demonstration("a", "b"), demonstration("a", "bcd")}, options(5, OverLength::error));
  EXPECT_NE(message.find("record 2: expected at most 5 tokens (data.max_length), found 7"), std::string::npos)
      << message;
}

TEST(Samples, NothingLeftIsADataErrorThatSaysWhy) {
  const std::string message = message_of({demonstration("abc", "d"), demonstration("abcd", "e")}, options(3));
  EXPECT_NE(message.find("2 records -> 0 samples; 2 dropped (too long)"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_NE(message_of({}, options(3)).find("0 records"), std::string::npos);
}

TEST(Samples, ReportCountsWhatWasKept) {
  // Kept: BOS a = b EOS (5, 2 labels), BOS a = b c EOS (6, 3 labels). Dropped: 8 tokens.
  const auto set = make({demonstration("a", "b"), demonstration("a", "bc"), demonstration("a", "bcde")}, options(6));
  EXPECT_EQ(set.report.summary(), "3 records -> 2 samples, 11 tokens (5 trained), longest 6; 1 dropped (too long)");
}

TEST(Samples, SignalEndsTheScan) {
  set_stop_signal(15);
  EXPECT_THROW(make({demonstration("a", "b")}, options(16)), Interrupted);
  set_stop_signal(0);
}

}  // namespace
}  // namespace rlhf
