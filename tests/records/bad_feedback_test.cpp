// What bad files of feedback get: one line, exit code 3, the place and the field.
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "records/feedback_testing.h"

namespace rlhf {
namespace {

/// The message from ":LINE" on, or "accepted".
std::string refusal(FeedbackFormat format, const std::string& bytes) {
  try {
    testing::read_feedback(bytes, {.format = format});
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::data) << error.what();
    const std::string text = error.what();
    return text.substr(text.find("a.json") + 6);
  }
  return "accepted";
}

struct Case {
  FeedbackFormat format;
  std::string bytes, message;
};

TEST(BadFeedback, IsRefusedByItsField) {
  const std::string panda = R"({"instruction":"i","response1":"a","response2":"b")";
  const std::string llmbar = R"({"input":"i","output_1":"a","output_2":"b")";
  const std::string turns = R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])";
  const std::string battle = R"({"conversation_a":)" + turns + R"(,"conversation_b":)" + turns;
  const std::string fields = R"({"fields":{"prompt":"p","response1":"a","response2":"b"})";
  const std::string task = R"({"data":{"prompt":"p","answer1":"a","answer2":"b"},"annotations":)";
  const Case cases[] = {
      {FeedbackFormat::pandalm, panda + R"(,"annotator1":1})" + "\n" + panda + R"(,"annotator1":3})",
       ":2: annotator1: expected 1, 2, or 0 for a tie, found 3"},
      {FeedbackFormat::pandalm, panda + R"(,"annotator2":"1"})",
       ":1: annotator2: expected 1, 2, or 0 for a tie, found \"1\""},
      {FeedbackFormat::pandalm, panda + "}",
       ":1: annotator1: expected 1, 2, or 0 for a tie, found no such key; it has \"instruction\", \"response1\", "
       "\"response2\""},
      {FeedbackFormat::pandalm, R"({"instruction":"i","response1":1})", ":1: response1: expected a string, found 1"},
      {FeedbackFormat::llmbar, llmbar + R"(,"label":0})", ":1: label: expected a whole number from 1 to 2, found 0"},
      {FeedbackFormat::arena, battle + R"(,"judge":"x","winner":"model_c"})",
       ":1: winner: expected one of model_a, model_b, tie, tie (bothbad), found \"model_c\""},
      {FeedbackFormat::arena, battle + R"(,"winner":"tie"})",
       ":1: judge: expected a string, found no such key; it has \"conversation_a\", \"conversation_b\", \"winner\""},
      {FeedbackFormat::arena, battle + R"(,"judge":"","winner":"tie"})",
       ":1: judgments[0].annotator: expected the name of the annotator, found an empty text"},
      {FeedbackFormat::arena, battle + R"(,"judge":"x","winner":"tie","turn":0})",
       ":1: turn: expected a whole number from 1 to 1000000, found 0"},
      {FeedbackFormat::arena,
       R"({"conversation_a":)" + turns + R"(,"conversation_b":[{"role":"user","content":"r"}],"judge":"x"})",
       ":1: conversation_b: expected a beginning that both conversations share, found "
       "[{\"role\":\"user\",\"content\":\"r\"}]"},
      {FeedbackFormat::trl, R"({"prompt":"p","chosen":"c"})",
       ":1: rejected: expected a string, found no such key; it has \"prompt\", \"chosen\""},
      {FeedbackFormat::trl, R"({"prompt":"p","chosen":"c","rejected":"r","probability":2})",
       ":1: probability: expected a number from 0.0 to 1.0, found 2"},
      {FeedbackFormat::trl, R"({"prompt":"p","chosen":"c","rejected":"r","margin":-1})",
       ":1: margin: expected a number from 0.0 to 1000000.0, found -1"},
      {FeedbackFormat::oasst, R"({"prompt":"p"})",
       ":1: prompt: expected a message {\"role\", \"text\", \"replies\"}, found \"p\""},
      {FeedbackFormat::argilla, R"({"fields":{"prompt":"p","response1":"a"},"responses":{}})",
       ":1: fields.response2: expected a string, found no such key; it has \"prompt\", \"response1\""},
      {FeedbackFormat::argilla, fields + R"(,"responses":{"preference":[{"value":"response3","user_id":"u"}]}})",
       ":1: responses.preference[0].value: expected one of response1, response2, tie, both bad, or a ranking of them, "
       "found \"response3\""},
      {FeedbackFormat::argilla, fields + R"(,"responses":{"preference":[{"value":4,"user_id":"u"}]}})",
       ":1: responses.preference[0].value: expected one of response1, response2, tie, both bad, or a ranking of them, "
       "found 4"},
      {FeedbackFormat::argilla,
       fields + R"(,"responses":{"preference":[{"value":[{"value":"response1","rank":1}],"user_id":"u"}]}})",
       ":1: responses.preference[0].value: expected a rank of each of response1, response2, found "
       "[{\"value\":\"response1\",\"rank\":1}]"},
      {FeedbackFormat::argilla, fields + "}", ": expected at least one record with a judgment, found none"},
      {FeedbackFormat::label_studio, task + "[]}", ": expected at least one record with a judgment, found none"},
      {FeedbackFormat::label_studio,
       task + R"([{"completed_by":1,"result":[{"type":"pairwise","value":{"selected":"up"}}]}]})",
       ":1: annotations[0].result[0].value.selected: expected one of left, right, found \"up\""},
      {FeedbackFormat::label_studio,
       task + R"([{"completed_by":1,"ground_truth":true,"result":[{"type":"pairwise","value":{"selected":"left"}}]},)"
              R"({"completed_by":2,"ground_truth":true,"result":[{"type":"pairwise","value":{"selected":"right"}}]}]})",
       ":1: annotations[1]: expected the answer of the other annotation with ground_truth, found another answer"},
      {FeedbackFormat::label_studio, R"({"data":{"prompt":"p","answer1":"a"},"annotations":[]})",
       ":1: data.answer2: expected a string, found no such key; it has \"prompt\", \"answer1\""},
      {FeedbackFormat::judgments, R"({"prompt":"p","chosen":"c","rejected":"r"})",
       ":1: expected {\"prompt\", \"responses\", \"judgments\"}, found {\"prompt\", \"chosen\", \"rejected\"}, which "
       "is "
       "preference pairs for rlhf-rm"},
      {FeedbackFormat::trl, "", ": expected at least one record with a judgment, found none"},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.format, c.bytes), c.message) << c.bytes;
}

TEST(BadFeedback, UnknownNamesToReplaceAreAConfigError) {
  try {
    testing::read_feedback("{}", {.format = FeedbackFormat::hh, .fields = {{"prompt", "q"}}});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "field prompt: expected one of chosen, rejected, margin, weight, probability, id, domain as the name to "
        "replace");
  }
}

}  // namespace
}  // namespace rlhf
