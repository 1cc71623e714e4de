#include <string>
#include <vector>

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

TEST(Prompts, ThatTheTemplateRefusesMayBeFewOfThem) {
  Templates templates;
  templates.chat.emplace("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}x",
                         nlohmann::ordered_json(), "t");
  std::vector<Prompt> records(3, Prompt{"", "{}"});
  for (std::size_t i = 0; i < 3; ++i)
    records[i].chat.messages = {{{"role", i == 1 ? "system" : "user"}, {"content", "q"}}};
  const auto set = make_prompts(records, ByteTokenizer(), templates, 16, /*max_bad_lines=*/1);
  EXPECT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.report.dropped_refused, 1);
  EXPECT_THROW(make_prompts(records, ByteTokenizer(), templates, 16), DataError);
}

}  // namespace
}  // namespace rlhf
