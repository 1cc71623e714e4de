// Judged records as pairs of TRL and HH: numbers by hand, and round trips.
#include "rlhf/records/pair_writer.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

#include "records/feedback_testing.h"
#include "support/misuse.h"
#include "support/shared_data.h"

namespace rlhf {
namespace {

using testing::read_feedback;
using Lines = std::vector<std::string>;

struct Written {
  Lines lines;
  Losses losses;
};

/// What a file in the first format becomes in the second, by way of judgments as text.
Written written(const std::string& bytes, FeedbackFormat from, FeedbackFormat to) {
  std::string judgments;
  for (const std::string& line : read_feedback(bytes, {.format = from}).lines) judgments += line + "\n";
  PairWriter writer(to);
  Written made;
  for (const JudgedRecord& record : read_feedback(judgments, {}).records)
    for (const auto& pair : writer.pairs(record)) made.lines.push_back(pair.dump());
  made.losses = writer.losses();
  return made;
}

Written trl_of(const std::string& judgments, const std::string& rest = "") {
  return written(R"({"prompt":"p","responses":["a","b"],"judgments":[)" + judgments + "]" + rest + "}\n",
                 FeedbackFormat::judgments, FeedbackFormat::trl);
}

TEST(PairWriter, SharesOfVotesAreProbabilities) {
  const std::string start = R"({"prompt":"p","chosen":"b","rejected":"a")";
  EXPECT_EQ(trl_of(R"({"annotator":"k","choice":1},{"annotator":"l","choice":1},{"annotator":"m","choice":0},)"
                   R"({"annotator":"n","tie":true})")
                .lines,
            Lines{start + R"(,"probability":0.625})"})
      << "(2 + 1/2) / 4";
  EXPECT_EQ(trl_of(R"({"annotator":"k","choice":1})").lines, Lines{start + "}"}) << "one vote is no share";
}

TEST(PairWriter, MarginsAreTheMeanOfSignedSteps) {
  const std::string start = R"({"prompt":"p","chosen":"b","rejected":"a","margin":)";
  EXPECT_EQ(trl_of(R"({"annotator":"k","choice":1,"scale":7,"strength":3},{"annotator":"l","choice":1,"scale":5,)"
                   R"("strength":1},{"annotator":"m","choice":0,"scale":5,"strength":2},)"
                   R"({"annotator":"n","tie":true,"scale":5},{"annotator":"o","choice":1,"scale":2})")
                .lines,
            Lines{start + R"(0.5,"probability":0.7})"})
      << "(3 + 1 - 2 + 0) / 4; a scale of 2 steps says nothing of strength";
  EXPECT_EQ(trl_of(R"({"annotator":"k","choice":1,"scale":7,"strength":1},{"annotator":"l","choice":1,"scale":7,)"
                   R"("strength":1},{"annotator":"m","choice":0,"scale":7,"strength":3},{"annotator":"n","choice":1})")
                .lines,
            Lines{start + R"(0.0,"probability":0.75})"})
      << "(1 + 1 - 3) / 3 is below 0";
}

TEST(PairWriter, TheLabelGoesBeforeTheMajority) {
  const Written made =
      trl_of(R"({"annotator":"k","choice":1},{"annotator":"l","choice":1})",
             R"(,"gold":0,"label":{"chosen":0,"probability":0.9,"weight":0.5,"margin":2,"method":"em"})");
  EXPECT_EQ(made.lines,
            Lines{R"({"prompt":"p","chosen":"a","rejected":"b","margin":2.0,"weight":0.5,"probability":0.9})"});
  EXPECT_EQ(made.losses, (Losses{{"checked answers (gold)", 1},
                                 {"methods and histories of labels", 1},
                                 {"who judged, and in which role", 2}}));
}

TEST(PairWriter, CountsWhatPairsCannotHold) {
  const Written made = written(
      R"({"prompt":"p","responses":[{"id":"x","text":"a"},"b"],"judgments":[{"annotator":"k","choice":0,"scale":2,)"
      R"("order":[1,0],"seconds":1,"tags":["t"],"note":"n","guideline":"g","at":"now"},{"annotator":"l","tie":true},)"
      R"({"annotator":"m","both_bad":true}]})"
      "\n"
      R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","tie":true}]})"
      "\n"
      R"({"prompt":"p","responses":["a","b","c"],"judgments":[{"annotator":"k","ranks":[1,2,3]}]})"
      "\n",
      FeedbackFormat::judgments, FeedbackFormat::trl);
  EXPECT_EQ(made.lines.size(), 4u);
  EXPECT_EQ(made.losses, (Losses{{"ids, sources and other fields of responses", 1},
                                 {"judgments that both are bad", 1},
                                 {"notes", 1},
                                 {"orders shown", 1},
                                 {"other fields of judgments", 1},
                                 {"records without a majority", 1},
                                 {"seconds", 1},
                                 {"single strengths", 1},
                                 {"tags of judgments", 1},
                                 {"ties", 2},
                                 {"versions of guidelines", 1},
                                 {"which pairs are of one ranking", 1},
                                 {"who judged, and in which role", 5}}));
}

TEST(PairWriter, AFurtherFieldDoesNotReplaceOneOfThePair) {
  const Written made = trl_of(R"({"annotator":"k","choice":1})", R"(,"chosen":"x","round":2)");
  EXPECT_EQ(made.lines, Lines{R"({"prompt":"p","chosen":"b","rejected":"a","round":2})"});
  EXPECT_EQ(made.losses.at("fields `chosen`, a name that pairs use"), 1);
}

const std::string kUser = R"({"role":"user","content":"q"})", kAnswer = R"({"role":"assistant","content":"a"})",
                  kOther = R"({"role":"assistant","content":"b"})";

TEST(PairWriter, RoundTripsOfTrlAreEqual) {
  for (const std::string& line :
       {std::string(R"({"prompt":"p","chosen":"c","rejected":"r"})"),
        std::string(
            R"({"id":"x","prompt":"p","chosen":"c","rejected":"r","margin":1.5,"weight":2.0,"probability":0.75,)"
            R"("domain":"law","lang":"en","scores":[1,{"a":2.5}]})"),
        R"({"prompt":[)" + kUser + R"(],"chosen":[)" + kAnswer + R"(],"rejected":[)" + kOther + "," + kUser + "," +
            kAnswer + R"(],"tools":[{"name":"t"}],"chat_template_kwargs":{"x":true}})",
        R"({"chosen":[)" + kUser + "," + kAnswer + R"(],"rejected":[)" + kOther + "]}"})
    EXPECT_EQ(written(line + "\n", FeedbackFormat::trl, FeedbackFormat::trl).lines, Lines{line});
}

TEST(PairWriter, RoundTripsOfHhAreEqual) {
  for (const std::string& line :
       {std::string(R"({"chosen":"\n\nHuman: Hi\n\nAssistant: A","rejected":"\n\nHuman: Hi\n\nAssistant:"})"),
        std::string(
            R"({"chosen":"\n\nHuman: Hi\n\nAssistant: A","rejected":"\n\nHuman: Ho\n\nAssistant: B","margin":1.0})"),
        R"({"chosen":[)" + kUser + "," + kAnswer + R"(],"rejected":[)" + kUser + "," + kOther + "]}"})
    EXPECT_EQ(written(line + "\n", FeedbackFormat::hh, FeedbackFormat::hh).lines, Lines{line});
}

TEST(PairWriter, PromptsBecomeTurnsOfTheHumanInHh) {
  const Written made = written(R"({"prompt":"Hi","chosen":"A","rejected":" B"})"
                               "\n",
                               FeedbackFormat::trl, FeedbackFormat::hh);
  EXPECT_EQ(made.lines,
            Lines{R"({"chosen":"\n\nHuman: Hi\n\nAssistant: A","rejected":"\n\nHuman: Hi\n\nAssistant: B"})"});
  EXPECT_EQ(made.losses.at("prompts as they were: they became a turn of the human"), 1);
}

TEST(PairWriter, WritesOnlyPairs) {
  testing::expect_misuse<ArgumentError>("format: expected trl or hh, found judgments",
                                        [] { PairWriter(FeedbackFormat::judgments); });
}

TEST(PairWriter, RealPairsComeBackEqual) {
  const auto file = testing::shared_data() / "data/llmbar/pairs.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << " (RLHF_SHARED_DATA)";
  std::string bytes;
  std::vector<nlohmann::json> expected, found;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    expected.push_back(nlohmann::json::parse(line));
    bytes += line + "\n";
  }
  for (const std::string& line : written(bytes, FeedbackFormat::trl, FeedbackFormat::trl).lines)
    found.push_back(nlohmann::json::parse(line));
  EXPECT_EQ(found.size(), 419u);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace rlhf
