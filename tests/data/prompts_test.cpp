#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;

TEST(Prompts, HoldTheTemplateUpToTheSeamAndNoEos) {
  const auto set = make_prompts({{"a", R"({"prompt":"a","n":1})"}}, ByteTokenizer(),
                                {PromptTemplate("Q{prompt}={completion}!")}, 16);
  ASSERT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.samples[0].ids, (TokenIds{ByteTokenizer::kBos, 'Q', 'a', '='}));
  EXPECT_EQ(set.samples[0].text, "a");
  EXPECT_EQ(set.samples[0].extra, R"({"prompt":"a","n":1})");
  EXPECT_EQ(set.report.summary(), "1 records -> 1 samples, 4 tokens, longest 4");
}

TEST(Prompts, LongerOnesAreDroppedAndCounted) {
  const auto set = make_prompts({{"ab", "{}"}, {"abc", "{}"}}, ByteTokenizer(), {}, 3);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_over_length, 1);
  EXPECT_THROW(make_prompts({{"abc", "{}"}}, ByteTokenizer(), {}, 3), DataError);
}

TEST(Prompts, PromptWithoutAnyTokenIsRefusedByNumber) {
  ByteTokenizer tokenizer;
  tokenizer.add_bos = false;
  try {
    make_prompts({{"a", "{}"}, {"", "{}"}}, tokenizer, {}, 3);
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("record 2"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rlhf
