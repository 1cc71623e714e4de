// What becomes of feedback in the formats of others. Their shapes are those of the published data and exports.
#include "rlhf/records/feedback_formats.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "records/feedback_testing.h"
#include "support/markdown_table.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

using testing::read_feedback;
using Lines = std::vector<std::string>;

TEST(FeedbackFormats, AreThoseOfTheDocumentation) {
  const auto rows = testing::table_rows(testing::source_dir() + "/../docs/formats.md", "--from");
  ASSERT_EQ(rows.size(), std::size(kFeedbackFormats));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FeedbackFormatInfo& info = kFeedbackFormats[i];
    auto cells = rows[i].cells;
    EXPECT_EQ(cells["--from"], info.name);
    EXPECT_EQ(cells["--to"], info.written ? "yes" : "") << info.name;
    EXPECT_EQ(testing::items_of(cells["--field"]), Lines(info.fields.begin(), info.fields.end())) << info.name;
    EXPECT_EQ(cells["what"], info.what) << info.name;
    EXPECT_EQ(&info_of(info.format), &info);
  }
}

// A row of testset-v1.json; of six answers JSON made booleans.
TEST(PandaLm, NumbersOfAnnotatorsAreChoices) {
  const auto read =
      read_feedback(R"([{"idx":157,"motivation_app":"Wolfram alpha","cmp_key":"bloom-7b_llama-7b",)"
                    R"("instruction":"Verify.","input":"j is odd","response1":true,"response2":"No.",)"
                    R"("annotator1":1,"annotator2":2,"annotator3":0,"more":[1]},)"
                    R"({"cmp_key":"a","instruction":"Greet.","input":"","response1":"Hi","response2":"Yo",)"
                    R"("annotator1":2,"annotator2":null}])",
                    {.format = FeedbackFormat::pandalm});
  EXPECT_EQ(read.lines,
            (Lines{R"({"id":157,"prompt":"Verify.\n\nj is odd","responses":[{"text":"True","source":"bloom-7b"},)"
                   R"({"text":"No.","source":"llama-7b"}],"domain":"Wolfram alpha","judgments":[)"
                   R"({"annotator":"annotator1","role":"crowd","choice":0},)"
                   R"({"annotator":"annotator2","role":"crowd","choice":1},)"
                   R"({"annotator":"annotator3","role":"crowd","tie":true}],"more":[1]})",
                   R"({"prompt":"Greet.","responses":["Hi","Yo"],"judgments":[)"
                   R"({"annotator":"annotator1","role":"crowd","choice":1}],"cmp_key":"a"})"}));
  EXPECT_EQ(read.counts.judgments, 4);
}

TEST(LlmBar, LabelsAreCheckedAnswersOfExperts) {
  const auto read =
      read_feedback(R"([{"input":"q","output_1":"a","output_2":"b","label":2}])", {.format = FeedbackFormat::llmbar});
  EXPECT_EQ(read.lines, Lines{R"({"prompt":"q","responses":["a","b"],"judgments":[)"
                              R"({"annotator":"llmbar","role":"expert","choice":1}],"gold":1})"});
}

const std::string kTurns = R"([{"role":"user","content":"q"},{"role":"assistant","content":"A1"},)"
                           R"({"role":"user","content":"r"},{"role":"assistant","content":"A2"}])",
                  kOtherTurns = R"([{"role":"user","content":"q"},{"role":"assistant","content":"B1"},)"
                                R"({"role":"user","content":"r"},{"role":"assistant","content":"B2"}])";

std::string battle(const std::string& rest) {
  return R"({"question_id":81,"model_a":"x","model_b":"y",)" + rest + R"(,"conversation_a":)" + kTurns +
         R"(,"conversation_b":)" + kOtherTurns + "}\n";
}

TEST(Arena, BattlesOfOnePairAreOneRecord) {
  const auto read = read_feedback(battle(R"("winner":"model_a","judge":"arena_user_9","turn":1,"language":"English")") +
                                      battle(R"("winner":"model_b","judge":"expert_3","turn":2)") +
                                      battle("\"winner\":\"tie (bothbad)\",\"judge\":\"author_1\",\"turn\":1") +
                                      battle(R"("winner":"tie","judge":["gpt-4","pair-v2"],"turn":1)"),
                                  {.format = FeedbackFormat::arena});
  const std::string prompt = R"({"id":81,"prompt":[{"role":"user","content":"q"}],"responses":[)";
  EXPECT_EQ(read.lines,
            (Lines{prompt + R"({"text":"A1","source":"x"},{"text":"B1","source":"y"}],"judgments":[)"
                            R"({"annotator":"arena_user_9","role":"crowd","choice":0,"language":"English","turn":1},)"
                            R"({"annotator":"author_1","role":"expert","both_bad":true,"turn":1},)"
                            R"({"annotator":"gpt-4/pair-v2","role":"ai","tie":true,"turn":1}]})",
                   prompt + R"({"messages":[{"role":"assistant","content":"A1"},{"role":"user","content":"r"},)"
                            R"({"role":"assistant","content":"A2"}],"source":"x"},)"
                            R"({"messages":[{"role":"assistant","content":"B1"},{"role":"user","content":"r"},)"
                            R"({"role":"assistant","content":"B2"}],"source":"y"}],"judgments":[)"
                            R"({"annotator":"expert_3","role":"expert","choice":1,"turn":2}]})"}));
  EXPECT_EQ(read.counts.records, 2);
  EXPECT_EQ(read.counts.judgments, 4);
}

TEST(Arena, ASecondBattleOfAJudgeIsARecordOfItsOwn) {
  const std::string first = battle(R"("winner":"model_a","judge":"expert_3","turn":1,"tags":{"x":1})");
  const std::string second = battle(R"("winner":"tie","judge":"expert_3","turn":1)");
  const auto read = read_feedback(first + second, {.format = FeedbackFormat::arena});
  ASSERT_EQ(read.records.size(), 2u) << "an expert may not contradict themselves in a record";
  EXPECT_EQ(read.records[0].judgments.at(0).extra.dump(), R"({"turn":1})");
  EXPECT_EQ(read.counts.left_out, (Losses{{"fields `tags`, a name that judgments use", 1}}));
}

TEST(Oasst, RankedRepliesAreOneJudgment) {
  const std::string tree =
      R"({"message_tree_id":"t","prompt":{"message_id":"m0","role":"prompter","text":"q","lang":"en","replies":[)"
      R"({"message_id":"m1","parent_id":"m0","role":"assistant","text":"a","rank":1,"model_name":"x","lang":"en"},)"
      R"({"message_id":"m2","role":"assistant","text":"b","rank":0,"replies":[]},)"
      R"({"message_id":"m3","role":"assistant","text":"c"}]}})";
  const std::string alone = R"({"prompt":{"role":"prompter","text":"q","replies":[]}})";
  const auto read = read_feedback(tree + "\n" + alone + "\n", {.format = FeedbackFormat::oasst, .annotator = "panel"});
  EXPECT_EQ(read.lines, Lines{R"({"id":"m0","prompt":[{"role":"user","content":"q"}],"responses":[)"
                              R"({"id":"m1","text":"a","source":"x","lang":"en"},{"id":"m2","text":"b"}],"judgments":[)"
                              R"({"annotator":"panel","role":"crowd","ranks":[1.0,0.0]}],"message_tree_id":"t"})"});
  EXPECT_EQ(read.counts.left_out, (Losses{{"fields of messages in prompts other than role and text", 1},
                                          {"replies without a rank", 1},
                                          {"trees without two ranked replies to one message", 1}}));
}

TEST(Pairs, OfTrlAndHhKeepTheirNumbersAndColumns) {
  const auto trl = read_feedback(
      R"({"id":3,"prompt":"p","chosen":"c","rejected":"r","margin":1.5,"weight":2,"probability":0.75,"domain":"law",)"
      R"("source":"web","label":1})",
      {.format = FeedbackFormat::trl, .role = AnnotatorRole::ai});
  EXPECT_EQ(trl.lines, Lines{R"({"id":3,"prompt":"p","responses":["c","r"],"domain":"law","judgments":[)"
                             R"({"annotator":"trl","role":"ai","choice":0}],"label":{"chosen":0,)"
                             R"("probability":0.75,"weight":2.0,"margin":1.5},"source":"web"})"});
  EXPECT_EQ(trl.counts.left_out, (Losses{{"fields `label`, a name that judgments use", 1}}));
  const auto hh =
      read_feedback(R"({"chosen":"\n\nHuman: Hi\n\nAssistant: A","rejected":"\n\nHuman: Hi\n\nAssistant: B"})",
                    {.format = FeedbackFormat::hh});
  EXPECT_EQ(hh.lines, Lines{R"({"prompt":"\n\nHuman: Hi\n\nAssistant:","responses":[" A"," B"],"judgments":[)"
                            R"({"annotator":"hh","role":"crowd","choice":0}]})"});
}

TEST(FeedbackFormats, FieldsMayHaveOtherNames) {
  const auto read =
      read_feedback(R"({"q":"p","good":"c","bad":"r","topic":"law"})",
                    {.format = FeedbackFormat::trl,
                     .fields = {{"prompt", "q"}, {"chosen", "good"}, {"rejected", "bad"}, {"domain", "topic"}}});
  EXPECT_EQ(read.records.at(0).prompt, "p");
  EXPECT_EQ(read.records.at(0).domain, "law");
  EXPECT_TRUE(read.records.at(0).extra.empty());
}

}  // namespace
}  // namespace rlhf
