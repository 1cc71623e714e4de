#include "rlhf/text/stop_strings.h"

#include <string>

#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;

TokenIds ids(const std::string& text) { return {text.begin(), text.end()}; }

TEST(StopStrings, AreReachedWhenTheLastTokenCompletesOne) {
  const ByteTokenizer tokenizer;
  const StopStrings stop(tokenizer, {"END", "\n\n"});
  EXPECT_FALSE(stop.empty());
  EXPECT_FALSE(stop.reached(ids("the EN")));
  EXPECT_TRUE(stop.reached(ids("the END")));
  EXPECT_FALSE(stop.reached(ids("one\n")));
  EXPECT_TRUE(stop.reached(ids("one\n\n")));
  EXPECT_TRUE(StopStrings(tokenizer, {}).empty());
  EXPECT_FALSE(StopStrings(tokenizer, {}).reached(ids("the END")));
}

TEST(StopStrings, MayBeginInsideAToken) {
  ByteTokenizer tokenizer;
  tokenizer.merges = {"a.\n"};
  const StopStrings stop(tokenizer, {".\nQ"});
  EXPECT_TRUE(stop.reached({ByteTokenizer::kFirstMerge, 'Q'}));
  EXPECT_FALSE(stop.reached({ByteTokenizer::kFirstMerge, 'q'}));
}

TEST(StopStrings, CutAtTheFirstOne) {
  const ByteTokenizer tokenizer;
  const StopStrings stop(tokenizer, {"END", ";"});
  EXPECT_EQ(stop.cut("a; b END"), "a");
  EXPECT_EQ(stop.cut("a b"), "a b");
}

TEST(StopStrings, SettleWhatCannotBeginOne) {
  const ByteTokenizer tokenizer;
  const StopStrings stop(tokenizer, {"END"});
  EXPECT_EQ(stop.settled("the EN"), "the ");
  EXPECT_EQ(stop.settled("the END and"), "the ");
  EXPECT_EQ(StopStrings(tokenizer, {}).settled("all"), "all");
}

}  // namespace
}  // namespace rlhf
