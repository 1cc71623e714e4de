#include "judge.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/temporary_folder.h"
#include "world.h"

namespace agreement {
namespace {

Judged answer(const std::string& text, bool complete = true) {
  return {.prompt = "3+4=?\n", .sum = 7, .answer = text, .complete = complete};
}

class SamplesFile : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::vector<Judged>& answers) const {
    std::ofstream file(folder_ / "samples.jsonl");
    for (const Judged& it : answers) {
      file << nlohmann::json{{"record", {{"prompt", it.prompt}, {"sum", it.sum}}},
                             {"text", it.answer},
                             {"finish", it.complete ? "stop" : "length"}}
           << "\n";
    }
    return folder_ / "samples.jsonl";
  }

 private:
  rlhf::testing::TemporaryFolder folder_;
};

TEST(Expert, CallsAnAnswerTrueThatStatesTheSumAndEnds) {
  EXPECT_TRUE(is_true(answer("It is 7.")));
  EXPECT_TRUE(is_true(answer("Yes, 7.")));
  EXPECT_FALSE(is_true(answer("It is 8.")));
  EXPECT_FALSE(is_true(answer("7.")));
  EXPECT_FALSE(is_true(answer("It is 7.", /*complete=*/false)));
}

TEST(Expert, PrefersTheTrueAnswerInEitherPlace) {
  for (const auto& pair :
       {prefer(answer("It is 7."), answer("Yes, 8.")), prefer(answer("Yes, 8."), answer("It is 7."))}) {
    ASSERT_TRUE(pair.has_value());
    EXPECT_EQ(pair->prompt, "3+4=?\n");
    EXPECT_EQ(pair->chosen, "It is 7.");
    EXPECT_EQ(pair->rejected, "Yes, 8.");
  }
}

TEST(Expert, DropsTies) {
  EXPECT_FALSE(prefer(answer("It is 7."), answer("Yes, 7.")).has_value());
  EXPECT_FALSE(prefer(answer("It is 8."), answer("Yes, 8.")).has_value());
}

TEST(CorruptedAnswer, IsNeverTrueAndTakesManyForms) {
  std::set<std::string> forms;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const std::string text = corrupted_answer(7, 1, i);
    EXPECT_FALSE(is_true(answer(text))) << text;
    forms.insert(text);
  }
  // 18 other numbers in two forms, and "It is 7." without one of its three words.
  EXPECT_EQ(forms.size(), 18U * 2 + 3);
  for (const char* broken : {"is 7.", "It 7.", "It is"}) EXPECT_TRUE(forms.contains(broken)) << broken;
}

TEST_F(SamplesFile, BecomesPairsOfConsecutiveAnswers) {
  const auto file = write({answer("It is 8."), answer("It is 7."), answer("It is 7."), answer("Yes, 7."),
                           answer("It is 7."), answer("It is 7.", /*complete=*/false)});
  const auto pairs = label_samples(file, {.corrupted = 0});
  ASSERT_EQ(pairs.size(), 2U);  // the middle two are a tie
  EXPECT_EQ(pairs[0].chosen, "It is 7.");
  EXPECT_EQ(pairs[0].rejected, "It is 8.");
  EXPECT_EQ(pairs[1].chosen, "It is 7.");
}

TEST_F(SamplesFile, HasItsSecondAnswersReplacedInTheConfiguredShare) {
  std::vector<Judged> answers(2000, answer("It is 7."));  // ties all, unless one answer is replaced
  const auto pairs = label_samples(write(answers), {.seed = 5, .corrupted = 0.35});
  EXPECT_NEAR(static_cast<double>(pairs.size()) / 1000, 0.35, 0.06);  // four standard errors
  for (const Pair& pair : pairs) EXPECT_EQ(pair.chosen, "It is 7.");
}

TEST_F(SamplesFile, IsRefusedWhenAPromptHasOneAnswer) {
  Judged other = answer("It is 7.");
  other.prompt = "4+3=?\n";
  EXPECT_THROW(label_samples(write({answer("It is 7."), other}), {}), rlhf::DataError);
  EXPECT_THROW(label_samples(write({answer("It is 7.")}), {}), rlhf::DataError);
}

TEST_F(SamplesFile, IsRefusedWithoutItsRecord) {
  const auto file = write({});
  std::ofstream(file) << R"({"text": "It is 7.", "finish": "stop"})"
                      << "\n";
  try {
    label_samples(file, {});
    FAIL();
  } catch (const rlhf::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("samples.jsonl:1: expected"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace agreement
