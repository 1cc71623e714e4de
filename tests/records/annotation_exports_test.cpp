// Exports of annotation tools. The shapes are those that argilla's Record.to_dict and its server, and Label Studio's
// JSON export, write.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "records/feedback_testing.h"

namespace rlhf {
namespace {

using testing::read_feedback;
using Lines = std::vector<std::string>;

const std::string kFields = R"("fields":{"prompt":"p","response1":"a","response2":"b"})";

std::string judged(const std::string& judgments) {
  return R"({"prompt":"p","responses":["a","b"],"judgments":[)" + judgments + "]}";
}

TEST(Argilla, ExportsOfTheClientAreJudgmentsOfUsersAndSuggestions) {
  const auto read = read_feedback(
      R"([{"id":"r1","fields":{"prompt":"p","response-1":"a","response-2":"b","context":"c"},)"
      R"("metadata":{"domain":"law","n":1},"suggestions":{"preference":{"value":"response-2","score":0.7,"agent":"m"},)"
      R"("why":{"value":"w","score":null,"agent":"m"}},"responses":{"preference":[)"
      R"({"value":"response-1","user_id":"u1"},{"value":"Tie","user_id":"u2"}],"why":[{"value":"shorter","user_id":"u1"},)"
      R"({"value":"none","user_id":"u3"}]},"vectors":{},"_server_id":"s"}])",
      {.format = FeedbackFormat::argilla});
  EXPECT_EQ(read.lines, Lines{R"({"id":"r1","prompt":"p","responses":["a","b"],"domain":"law","judgments":[)"
                              R"({"annotator":"u1","role":"crowd","choice":0,"answers":{"why":"shorter"}},)"
                              R"({"annotator":"u2","role":"crowd","tie":true},)"
                              R"({"annotator":"m","role":"ai","choice":1,"score":0.7}],"_server_id":"s",)"
                              R"("fields":{"context":"c"},"metadata":{"n":1}})"});
  EXPECT_EQ(read.counts.left_out, (Losses{{"suggestions to other questions", 1},
                                          {"users without an answer to the question `preference`", 1}}));
}

TEST(Argilla, ExportsOfTheServerAreListsOfUsers) {
  const auto read = read_feedback(
      "[{" + kFields +
          R"(,"responses":[{"user_id":"u1","status":"submitted","id":"x","values":{"preference":{"value":[)"
          R"({"value":"Response 1","rank":2},{"value":"response_2","rank":1}]}}},)"
          R"({"user_id":"u2","status":"draft","values":{}},{"user_id":"u3","status":"discarded","values":null}],)"
          R"("suggestions":[{"question_name":"preference","value":"both bad","agent":null,"score":null}]},)"
          "{" +
          kFields + R"(,"responses":[]}])",
      {.format = FeedbackFormat::argilla, .role = AnnotatorRole::expert});
  EXPECT_EQ(read.lines, Lines{judged(R"({"annotator":"u1","role":"expert","ranks":[2.0,1.0],"id":"x"},)"
                                     R"({"annotator":"suggestion","role":"ai","both_bad":true})")});
  EXPECT_EQ(read.counts.left_out, (Losses{{"answers that were not submitted", 2}, {"records without a judgment", 1}}));
}

TEST(Argilla, NamesOfFieldsAndQuestionsMayBeOthers) {
  const auto read = read_feedback(
      R"([{"fields":{"instruction":[{"role":"user","content":"p"}],"generation_b":"b","generation_a":"a"},)"
      R"("responses":{"best":[{"value":"generation_b","user_id":7}]},"metadata":{"topic":"law"}}])",
      {.format = FeedbackFormat::argilla,
       .fields = {{"prompt", "instruction"},
                  {"response1", "generation_a"},
                  {"response2", "generation_b"},
                  {"preference", "best"},
                  {"domain", "topic"}}});
  EXPECT_EQ(read.lines, Lines{R"({"prompt":[{"role":"user","content":"p"}],"responses":["a","b"],"domain":"law",)"
                              R"("judgments":[{"annotator":"7","role":"crowd","choice":1}]})"});
}

TEST(Argilla, MoreThanTwoResponsesAreRanked) {
  const auto read =
      read_feedback(R"([{"fields":{"prompt":"p","response2":"b","response1":"a","response3":"c","response4":null},)"
                    R"("responses":{"preference":[{"user_id":"u","value":[{"value":"response3","rank":1},)"
                    R"({"value":"response1","rank":2},{"value":"response2","rank":2}]}]}}])",
                    {.format = FeedbackFormat::argilla});
  EXPECT_EQ(read.lines, Lines{R"({"prompt":"p","responses":["a","b","c"],"judgments":[)"
                              R"({"annotator":"u","role":"crowd","ranks":[2.0,2.0,1.0]}]})"});
}

std::string task(const std::string& annotations, const std::string& rest = "") {
  return R"([{"id":5,"data":{"prompt":"p","answer1":"a","answer2":"b","domain":"law","url":"u"},"annotations":)" +
         annotations + rest + "}]";
}

std::string selected(const std::string& side) {
  return R"({"type":"pairwise","from_name":"pw","to_name":"answer1,answer2","value":{"selected":")" + side + "\"}}";
}

TEST(LabelStudio, AnnotationsAreJudgmentsAndPredictionsOnesOfModels) {
  const auto read = read_feedback(
      task(
          R"([{"id":1,"completed_by":{"id":3,"email":"k@x.org"},"lead_time":12.5,"ground_truth":true,"result":[)" +
              selected("right") +
              R"(,{"type":"textarea","value":{"text":["because","so"]}},{"type":"choices","value":{"choices":["short"]}},)"
              R"({"type":"rating","value":{"rating":4}}],"updated_by":9},)"
              R"({"completed_by":4,"result":[{"type":"choices","value":{"choices":["Tie"]}}],"was_cancelled":false},)"
              R"({"completed_by":5,"was_cancelled":true,"result":[]},{"completed_by":6,"result":[]}])",
          R"(,"predictions":[{"model_version":"m","score":0.9,"result":[)" + selected("left") +
              R"(]},{"result":[]}],)" + R"("updated_by":9,"comment_authors":[9],"project":8)"),
      {.format = FeedbackFormat::label_studio});
  EXPECT_EQ(read.lines,
            Lines{R"({"id":5,"prompt":"p","responses":["a","b"],"domain":"law","judgments":[)"
                  R"({"annotator":"k@x.org","role":"crowd","choice":1,"order":[0,1],"seconds":12.5,"tags":["short"],)"
                  R"("note":"because\nso","id":1,"results":[{"type":"rating","value":{"rating":4}}]},)"
                  R"({"annotator":"4","role":"crowd","tie":true,"order":[0,1]},)"
                  R"({"annotator":"m","role":"ai","choice":0,"score":0.9}],"gold":1,"project":8,"data":{"url":"u"}})"});
  EXPECT_EQ(read.counts.left_out, (Losses{{"annotations that were cancelled", 1},
                                          {"annotations without a choice", 1},
                                          {"predictions without a choice", 1}}));
}

}  // namespace
}  // namespace rlhf
