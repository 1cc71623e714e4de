#include "rlhf/data/data_report.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

TEST(DataReport, SaysWhatWasFoundAndDrawsTheLengths) {
  DataReport report;
  report.kind = "demonstration records";
  report.records = 9;
  report.samples = 5;
  report.left_out = 4;
  report.duplicates = 1;
  report.trained_tokens = 10;
  for (const std::size_t length : {2, 3, 3, 3, 9}) report.count_text(length);
  const std::vector<std::string> lines = report.lines();
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[0], "demonstration records: 9 records -> 5 samples, 20 tokens (10 trained), longest 9");
  EXPECT_EQ(lines[1], "50 % of the tokens are trained");
  EXPECT_EQ(lines[2], "4 records left out because of a weight below 1");
  EXPECT_EQ(lines[3], "1 samples equal an earlier one");
  std::string full, quarter;
  for (int i = 0; i < 40; ++i) (i < 10 ? quarter : full) += "█";
  EXPECT_EQ(lines[4], "          2 to 3 tokens " + full + quarter + " 4");
  EXPECT_EQ(lines[5], "          4 to 7 tokens  0");
  EXPECT_EQ(lines[6], "         8 to 15 tokens " + quarter + " 1");
}

TEST(DataReport, EqualSamplesAreCountedAndKept) {
  const auto set = make_samples({{"a", "b"}, {"a", "c"}, {"a", "b"}, {"a", "b"}}, testing::ByteTokenizer(), {}, {});
  EXPECT_EQ(set.report.duplicates, 2);
  EXPECT_EQ(set.samples.size(), 4u);
  const auto pair = [](const char* chosen, const char* rejected) {
    return Preference{"a", {{chosen}, {rejected}}, {{}}};
  };
  const auto pairs =
      make_ranked({pair("b", "c"), pair("c", "b"), pair("b", "c"), pair("b", "b")}, testing::ByteTokenizer(), {}, {});
  EXPECT_EQ(pairs.report.duplicates, 1);
  EXPECT_EQ(pairs.report.dropped_equal, 1);
}

}  // namespace
}  // namespace rlhf
