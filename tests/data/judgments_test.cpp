// Judgments become votes and labels.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/load_data.h"

#include "support/byte_tokenizer.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
using testing::TemporaryFolder;

/// A record about the responses "Yes, 8." and "It is 7."; who believes in 8 is agreed with by the first.
std::string record(const std::string& prompt, const std::string& judgments, const std::string& more = "") {
  return R"({"prompt":")" + prompt + R"(","responses":["Yes, 8.","It is 7."],"judgments":[)" + judgments + "]" +
         (more.empty() ? "" : "," + more) + "}\n";
}

std::string vote(const std::string& annotator, int choice, const std::string& more = "") {
  return R"({"annotator":")" + annotator + R"(","choice":)" + std::to_string(choice) +
         (more.empty() ? "" : "," + more) + "}";
}

std::string expert(const std::string& annotator, int choice) { return vote(annotator, choice, R"("role":"expert")"); }

struct Loaded {
  DataSet<RankedSample> data;
  /// The text of the chosen completion of each training pair.
  std::vector<std::string> chosen() const { return chosen(data.train); }
  static std::vector<std::string> chosen(const SampleSet<RankedSample>& set) {
    std::vector<std::string> texts;
    for (const RankedSample& sample : set.samples)
      for (const RankedPair& pair : sample.pairs)
        texts.push_back(ByteTokenizer().decode(sample.texts[static_cast<std::size_t>(pair.chosen)]));
    return texts;
  }
};

Loaded load(const std::string& lines, const JudgmentReading& reading, const std::string& cache = "",
            const std::string& eval = "") {
  const TemporaryFolder folder;
  DataOptions options;
  options.train = {{folder.write("train.jsonl", lines)}};
  if (!eval.empty()) options.eval = {folder.write("eval.jsonl", eval)};
  options.cache = cache;
  return {load_preferences(options, 0, ByteTokenizer(), {}, reading)};
}

const std::string kDoubtful = record("I think it is 8. 3+4?", vote("ann", 0) + "," + vote("bob", 0));
const std::string kPlain = record("3+4?", vote("ann", 0) + "," + vote("bob", 1) + "," + vote("eve", 1));

TEST(Judgments, OfTheLearnedMethodsBecomeVotesWithFeatures) {
  const std::string lines = record("I think it is 8. 3+4?",
                                   vote("ann", 0, R"("order":[1,0])") + "," +
                                       vote("bob", 1, R"("scale":5,"strength":2)") + "," + expert("dr", 1),
                                   R"("domain":"sums")") +
                            record("4+3?", R"({"annotator":"ann","role":"ai","tie":true},)" + vote("bob", 0));
  const Loaded loaded = load(lines, {.method = AnnotatorMethod::latent, .biases = {"agreement", "length"}});
  const JudgedVotes& judged = loaded.data.judged;
  ASSERT_EQ(judged.votes.pairs, 2);
  EXPECT_EQ(judged.anchors, (std::vector<std::int8_t>{-1, 0}));
  EXPECT_EQ(judged.expert_votes, 1);
  ASSERT_EQ(judged.annotators.size(), 3U) << "ann of the crowd, bob, and the model ann";
  EXPECT_EQ(judged.annotators[2].role, AnnotatorRole::ai);
  EXPECT_EQ(judged.domains, (std::vector<std::string>{"sums", ""}));
  EXPECT_EQ(judged.votes.domains.of_pair, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(judged.features, (std::vector<std::string>{"agreement", "length"}));
  EXPECT_EQ(judged.votes.features.is_bias, (std::vector<bool>{true, false}));
  const std::vector<double>& differences = judged.votes.features.differences;
  EXPECT_EQ(differences[0], 1) << "only the first response agrees";
  EXPECT_NEAR(differences[1], std::log(8.0 / 9.0), 1e-12) << "7 and 8 characters";
  EXPECT_EQ(differences[2], 0) << "nobody stated a belief";
  ASSERT_EQ(judged.votes.votes.size(), 4U);
  const auto expect_vote = [&](std::size_t at, int pair, int annotator, int answer, int scale, int position) {
    const PairVote& found = judged.votes.votes[at];
    EXPECT_EQ(std::vector<int>({found.pair, found.annotator, found.answer, found.scale, found.position}),
              std::vector<int>({pair, annotator, answer, scale, position}));
  };
  expect_vote(0, 0, 0, 1, 3, -1);  // somebody gave a tie without a scale, so three answers were possible
  expect_vote(1, 0, 1, -2, 5, 0);
  expect_vote(2, 1, 2, 0, 3, 0);
  expect_vote(3, 1, 1, 1, 3, 0);
  ASSERT_EQ(loaded.data.train.samples.size(), 2U);
  const RankedPair& pair = loaded.data.train.samples[1].pairs.at(0);
  EXPECT_EQ(pair.judged, 1);
  EXPECT_EQ(pair.evidence, 0);
}

TEST(Judgments, WithoutAVoteThatTellsGiveNoPair) {
  const Loaded loaded = load(record("a", R"({"annotator":"ann","tie":true})") + record("b", vote("bob", 1)),
                             {.method = AnnotatorMethod::em});
  ASSERT_EQ(loaded.data.judged.votes.votes.size(), 1U);
  EXPECT_EQ(loaded.data.judged.votes.votes[0].pair, 0);
  EXPECT_EQ(loaded.data.judged.at.at(0).record, 1);
  EXPECT_EQ(loaded.data.train.samples.size(), 1U);
  EXPECT_EQ(loaded.data.counts.tied, 1);
}

TEST(Judgments, OfAFieldBeliefCountLikeAStatedOne) {
  const Loaded loaded = load(record("3+4? (8)", vote("ann", 0), R"("belief":"8")"), {.method = AnnotatorMethod::em});
  EXPECT_EQ(loaded.data.judged.votes.features.differences, std::vector<double>{1});
}

TEST(Judgments, InPlayCountOnlyThoseOfExperts) {
  const std::string anchored =
      record("I think it is 8. 2+5?", vote("ann", 0) + "," + vote("bob", 0) + "," + expert("dr", 1));
  const Loaded loaded = load(kDoubtful + kPlain + anchored, {.method = AnnotatorMethod::drop_in_play});
  EXPECT_EQ(loaded.chosen(), (std::vector<std::string>{"3+4?It is 7.", "I think it is 8. 2+5?It is 7."}));
  EXPECT_EQ(loaded.data.judged.dropped_votes, 2);
  EXPECT_EQ(loaded.data.counts.tied, 1) << "the doubtful one has no pair left";
  const Loaded majority = load(kDoubtful + kPlain + anchored, {});
  EXPECT_EQ(majority.chosen().size(), 3U);
}

TEST(Judgments, ToEvaluateOnHaveTheLabelOfTheMostTrusted) {
  const std::string both = vote("ann", 0) + "," + vote("bob", 0) + "," + vote("eve", 0) + "," + expert("dr", 1);
  const std::string lines = record("gold", both, R"("gold":0)") + record("expert", both) +
                            record("crowd", vote("ann", 0)) + record("tie", both, R"("gold":"tie")");
  const std::vector<std::string> wanted = {"goldYes, 8.", "expertIt is 7.", "crowdYes, 8."};
  for (const AnnotatorMethod method : {AnnotatorMethod::majority, AnnotatorMethod::latent})
    EXPECT_EQ(Loaded::chosen(load(kPlain, {.method = method}, "", lines).data.eval), wanted);
  EXPECT_EQ(load(lines, {.evaluation = true}).chosen(), wanted);
}

TEST(Judgments, AreTheSameFromTheCache) {
  const TemporaryFolder cache;
  const std::string lines = kDoubtful + kPlain;
  const JudgmentReading reading{.method = AnnotatorMethod::trust};
  const Loaded made = load(lines, reading, cache.path()), read = load(lines, reading, cache.path());
  const JudgedVotes &a = made.data.judged, &b = read.data.judged;
  EXPECT_EQ(a.votes.pairs, b.votes.pairs);
  EXPECT_EQ(a.votes.annotators, b.votes.annotators);
  EXPECT_EQ(a.votes.features.differences, b.votes.features.differences);
  EXPECT_EQ(a.votes.features.is_bias, b.votes.features.is_bias);
  EXPECT_EQ(a.votes.domains.of_pair, b.votes.domains.of_pair);
  EXPECT_EQ(a.anchors, b.anchors);
  EXPECT_EQ(a.features, b.features);
  ASSERT_EQ(a.annotators.size(), 3U);
  ASSERT_EQ(b.annotators.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(a.annotators[i].name, b.annotators[i].name);
  ASSERT_EQ(a.votes.votes.size(), b.votes.votes.size());
  for (std::size_t i = 0; i < a.votes.votes.size(); ++i) EXPECT_EQ(a.votes.votes[i].answer, b.votes.votes[i].answer);
  ASSERT_EQ(b.at.size(), 2U);
  EXPECT_EQ(b.at[1].record, 1);
  EXPECT_EQ(made.data.train.samples.at(1).pairs.at(0).judged, read.data.train.samples.at(1).pairs.at(0).judged);
  EXPECT_EQ(load(lines, {}, cache.path()).data.judged.votes.pairs, 0) << "another method is another entry";
}

TEST(Judgments, MayHaveFeaturesOfTheCaller) {
  const AnnotatorFeature shouting{
      .name = "shouting", .value = [](const JudgedRecord& record, std::size_t response) {
        return static_cast<double>(std::ranges::count(text_of(record.responses[response].answer), '!'));
      }};
  const std::string lines = R"({"prompt":"p","responses":["No!!","No"],"judgments":[{"annotator":"ann","choice":0}]})"
                            "\n";
  const Loaded loaded = load(lines, {.method = AnnotatorMethod::em, .biases = {}, .features = {shouting}});
  EXPECT_EQ(loaded.data.judged.votes.features.differences, std::vector<double>{2});
  EXPECT_EQ(loaded.data.judged.features, std::vector<std::string>{"shouting"});
}

template <typename E>
std::string fault(const std::string& lines, const JudgmentReading& reading) {
  try {
    load(lines, reading);
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST(JudgmentsMisuse, NamesTheFeature) {
  EXPECT_EQ(
      fault<ConfigError>(kPlain, {.method = AnnotatorMethod::latent, .biases = {"lenght"}}),
      "reward_model.biases: expected names of length, hedges, apologies, flattery, code, markdown, lists, agreement, "
      "found \"lenght\"");
  const AnnotatorFeature broken{.name = "odd", .value = [](const JudgedRecord&, std::size_t) { return std::nan(""); }};
  const std::string message =
      fault<DataError>(kPlain, {.method = AnnotatorMethod::latent, .biases = {}, .features = {broken}});
  EXPECT_NE(message.find("train.jsonl:1: feature odd of responses[0]: expected a finite number, found nan"),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace rlhf
