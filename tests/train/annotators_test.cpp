// Labels learned from votes: reward_model.annotators latent, em, trust.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/train/reward_model.h"
#include "rlhf/train/sft.h"

#include "support/file_bytes.h"
#include "support/same_bits.h"
#include "train/learned_labels.h"

namespace rlhf {
namespace {

using nlohmann::json;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

RankedSample sample_of(std::int32_t pair) {
  return {.texts = {{1}, {2}}, .pairs = {{.chosen = 0, .rejected = 1, .evidence = 0, .judged = pair}}};
}

/// Two pairs with votes of ann, bob and eve; an expert prefers the second response of pair 1.
JudgedVotes small() {
  JudgedVotes judged;
  judged.votes = {.pairs = 2, .annotators = 3};
  judged.votes.votes = {{.pair = 0, .annotator = 0, .answer = 1},
                        {.pair = 0, .annotator = 1, .answer = 1},
                        {.pair = 0, .annotator = 2, .answer = -1},
                        {.pair = 1, .annotator = 0, .answer = -1},
                        {.pair = 1, .annotator = 2, .answer = 1}};
  judged.anchors = {0, -1};
  judged.at = {{.first = 0, .second = 1, .record = 0}, {.first = 0, .second = 1, .record = 1}};
  judged.annotators = {{"ann"}, {"bob"}, {"eve"}};
  return judged;
}

struct Fitted {
  std::vector<RankedSample> samples = {sample_of(0), sample_of(1)};
  LearnedLabels labels;
  explicit Fitted(AnnotatorMethod method, JudgedVotes judged = small())
      : labels({.annotators = method}, judged, samples) {
    labels.label(samples);
  }
};

TEST(LearnedLabels, OfAnAnchorAreBeyondDoubt) {
  for (const AnnotatorMethod method : {AnnotatorMethod::latent, AnnotatorMethod::em, AnnotatorMethod::trust}) {
    const Fitted fitted(method);
    const RankedPair& pair = fitted.samples[1].pairs.at(0);
    EXPECT_EQ(fitted.samples[1].pairs.size(), 1U);
    EXPECT_EQ(pair.chosen, 1);
    EXPECT_EQ(pair.rejected, 0);
    EXPECT_TRUE(std::isinf(pair.evidence));
    EXPECT_EQ(pair.trust, 1);
    EXPECT_TRUE(std::isinf(fitted.labels.log_odds(1)) && fitted.labels.log_odds(1) < 0);
  }
}

// ann agreed with the expert once, eve contradicted once, bob judged no anchor. With the Beta(4, 1) prior
// η = (4 + P(right)) / (5 + votes), where P(right) on pair 0 follows from q = P(first is better).
TEST(LearnedLabels, OfEmAreThePosteriorOfItsReliabilities) {
  const Fitted fitted(AnnotatorMethod::em);
  double q = 0.5, ann = 0, bob = 0, eve = 0;
  for (int round = 0; round < 500; ++round) {
    ann = (4 + q + 1) / 7, bob = (4 + q) / 6, eve = (4 + (1 - q)) / 7;
    q = sigmoid(std::log(ann / (1 - ann)) + std::log(bob / (1 - bob)) - std::log(eve / (1 - eve)));
  }
  const RankedPair& pair = fitted.samples[0].pairs.at(0);
  EXPECT_EQ(pair.chosen, 0);
  EXPECT_NEAR(sigmoid(pair.evidence), q, 1e-5);
  EXPECT_NEAR(sigmoid(fitted.labels.log_odds(0)), q, 1e-5);
}

TEST(LearnedLabels, OfEmFollowTheMarginOfTheModel) {
  Fitted fitted(AnnotatorMethod::em);
  const double before = fitted.labels.log_odds(0);
  const float scores[] = {-3, 2};
  fitted.labels.see(0, scores);
  fitted.labels.fit();
  fitted.labels.label(fitted.samples);
  const RankedPair& pair = fitted.samples[0].pairs.at(0);
  const double side = pair.chosen == 0 ? 1 : -1;
  EXPECT_LT(fitted.labels.log_odds(0), before - 5 + 1) << "the margin −5 is part of it, and eve is trusted more";
  EXPECT_NEAR(fitted.labels.log_odds(0), -5 + side * pair.evidence, 1e-5);
}

TEST(LearnedLabels, OfLatentAreTheEvidenceOfTheVotes) {
  const JudgedVotes judged = small();
  const auto model = fit_latent_annotators(judged.votes, judged.anchors);
  const double evidence = vote_evidence(model, judged.votes)[0].log_odds();
  const Fitted fitted(AnnotatorMethod::latent);
  EXPECT_FLOAT_EQ(fitted.samples[0].pairs.at(0).evidence, static_cast<float>(std::abs(evidence)));
  EXPECT_EQ(fitted.samples[0].pairs[0].chosen, evidence > 0 ? 0 : 1);
}

// The mode of α ~ N(1, 1) after a vote y with margin R solves (1 − α) + y·R·σ(−α·y·R) = 0.
TEST(LearnedLabels, OfTrustAreAPairForEveryVote) {
  Fitted fitted(AnnotatorMethod::trust);
  ASSERT_EQ(fitted.samples[0].pairs.size(), 3U);
  for (const RankedPair& pair : fitted.samples[0].pairs) EXPECT_EQ(pair.trust, 1) << "without margins: the prior";
  EXPECT_EQ(fitted.samples[0].pairs[2].chosen, 1) << "eve's";
  const float scores[] = {8, 0};
  fitted.labels.see(0, scores);
  fitted.labels.fit();
  fitted.labels.label(fitted.samples);
  const RankedPair& eve = fitted.samples[0].pairs[2];
  double low = -5, high = 5;  // of eve, whose vote on pair 0 has y·R = −8
  for (int i = 0; i < 100; ++i) {
    const double alpha = (low + high) / 2;
    (1 - alpha - 8 * sigmoid(8 * alpha) > 0 ? low : high) = alpha;
  }
  ASSERT_LT(low, 0);
  EXPECT_EQ(eve.chosen, 0) << "turned round";
  EXPECT_NEAR(eve.trust, -low, 1e-5);
  EXPECT_GT(fitted.samples[0].pairs[0].trust, 1) << "ann agrees with the model";
}

TEST(LearnedLabels, AreTheSameAfterTheirStateIsRestored) {
  for (const AnnotatorMethod method : {AnnotatorMethod::latent, AnnotatorMethod::em, AnnotatorMethod::trust}) {
    Fitted one(method), other(method);
    const float scores[] = {1.25F, -0.1F};
    one.labels.see(0, scores);
    one.labels.fit();
    other.labels.restore(json::parse(one.labels.state().dump()));
    one.labels.label(one.samples);
    other.labels.label(other.samples);
    for (std::size_t i = 0; i < one.samples[0].pairs.size(); ++i) {
      EXPECT_EQ(one.samples[0].pairs[i].chosen, other.samples[0].pairs[i].chosen);
      EXPECT_EQ(one.samples[0].pairs[i].evidence, other.samples[0].pairs[i].evidence);
      EXPECT_EQ(one.samples[0].pairs[i].trust, other.samples[0].pairs[i].trust);
    }
    EXPECT_EQ(one.labels.log_odds(0), other.labels.log_odds(0));
  }
}

std::string fault(AnnotatorMethod method, JudgedVotes judged) {
  try {
    Fitted(method, std::move(judged));
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(LearnedLabelsMisuse, NeedsVotesToLearnFrom) {
  EXPECT_EQ(
      fault(AnnotatorMethod::latent, {}),
      "reward_model.annotators: expected records of judgments in data.train, found none; hint: set it to majority");
  JudgedVotes experts = small();
  experts.votes.votes.clear();
  experts.votes.annotators = 0;
  experts.annotators.clear();
  EXPECT_EQ(fault(AnnotatorMethod::em, experts),
            "reward_model.annotators: expected votes of role crowd or ai in data.train, found those of experts only; "
            "hint: set it to majority");
  JudgedVotes lonely = small();
  lonely.votes.annotators = 1;
  lonely.annotators.resize(1);
  std::erase_if(lonely.votes.votes, [](const PairVote& vote) { return vote.annotator > 0; });
  lonely.anchors = {0, 0};
  for (const AnnotatorMethod method : {AnnotatorMethod::em, AnnotatorMethod::trust})
    EXPECT_EQ(
        fault(method, lonely),
        "reward_model.annotators: expected votes of several annotators, or of experts, to compare with, found those "
        "of \"ann\" only; hint: set it to majority");
}

/// The pairs of the fixture judged by a crowd: ann, bob and cid are right, dan, eve, fay and gil always wrong, and an
/// expert judges every other pair.
class AnnotatorsInTraining : public testing::SameBits {
 protected:
  void SetUp() override {
    TinyRun::SetUp();
    SftConfig sft = sft_config("base");
    sft.train.max_steps = 1;
    train_sft(sft);
    std::ifstream in(path("pairs.jsonl"));
    std::ofstream out(path("judged.jsonl"));
    int number = 0;
    for (std::string line; std::getline(in, line); ++number) {
      const json pair = json::parse(line);
      json judgments = json::array();
      for (const std::string name : {"ann", "bob", "cid"}) judgments.push_back({{"annotator", name}, {"choice", 0}});
      for (const std::string name : {"dan", "eve", "fay", "gil"})
        judgments.push_back({{"annotator", name}, {"choice", 1}});
      if (number % 2 == 0) judgments.push_back({{"annotator", "dr"}, {"role", "expert"}, {"choice", 0}});
      out << json{{"id", number},
                  {"prompt", pair["prompt"]},
                  {"responses", {pair["chosen"], pair["rejected"]}},
                  {"judgments", judgments}}
          << "\n";
    }
  }

  RewardModelConfig config(const std::string& output, AnnotatorMethod method) const {
    RewardModelConfig config = reward_config("base/final", output);
    config.data.train = {{path("judged.jsonl")}};
    config.data.eval = {path("judged.jsonl")};
    config.reward_model.annotators = method;
    config.train.batch_size = 2;  // several fits in an epoch of ten steps
    config.train.max_steps = 12;
    return config;
  }

  std::vector<json> lines_of(const std::string& name) const {
    std::ifstream in(path(name));
    std::vector<json> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }
};

TEST_F(AnnotatorsInTraining, EndsWithTheSameBitsAfterAResume) {
  for (const AnnotatorMethod method : {AnnotatorMethod::em, AnnotatorMethod::trust, AnnotatorMethod::latent}) {
    RewardModelConfig run = config("", method);
    run.train.max_steps = 5;
    const std::string name = "rm-" + std::to_string(static_cast<int>(method));
    run.checkpoint.every_steps = 1;
    const auto train = [](RewardModelConfig c, const RunOptions& o) { train_reward_model(c, o); };
    run.train.output = path(name);
    train(run, {});
    run.train.output = path(name + "-stopped");
    for (const int stop : {2, 3}) {
      const testing::StopAfterStep guard("rm", stop);
      EXPECT_THROW(train(run, {.resume = true}), Interrupted);
    }
    train(run, {.resume = true});
    expect_equal_runs(path(name), path(name + "-stopped"), {"final"});
    for (const std::string file : {"annotators.json", "labels.jsonl"})
      EXPECT_EQ(testing::file_bytes(path(name + "/" + file)), testing::file_bytes(path(name + "-stopped/" + file)));
  }
}

TEST_F(AnnotatorsInTraining, ExpertsTellWhichSideOfTheCrowdIsRight) {
  for (const AnnotatorMethod method : {AnnotatorMethod::em, AnnotatorMethod::latent}) {
    const std::string name = "rm-" + std::to_string(static_cast<int>(method));
    train_reward_model(config(name, method));
    const std::vector<json> labels = lines_of(name + "/labels.jsonl");
    ASSERT_EQ(labels.size(), 20U);
    for (const json& record : labels) {
      EXPECT_EQ(record.at("label").at("chosen"), 0) << "the majority of four says 1, the anchors say that it is wrong";
      EXPECT_GT(record.at("label").at("probability"), 0.5);
      EXPECT_EQ(record.at("judgments").size(), record.at("id").get<int>() % 2 == 0 ? 8U : 7U);
    }
    const json report = json::parse(testing::file_bytes(path(name + "/annotators.json")));
    EXPECT_EQ(report.at("annotators").size(), 7U);
    EXPECT_EQ(report.at("turned_pairs"), 20);
    EXPECT_EQ(report.at("anchors"), 10);
    EXPECT_EQ(report.at("votes"), 140);
    for (const json& annotator : report.at("annotators")) {
      const bool good = annotator.at("annotator") < std::string("d");
      const std::string bad = method == AnnotatorMethod::em ? "turned round" : "ignored";
      EXPECT_EQ(annotator.at("use"), good ? "counted" : bad) << annotator;
    }
  }
}

TEST_F(AnnotatorsInTraining, LabelsCanBeReadAgain) {
  train_reward_model(config("rm", AnnotatorMethod::latent));
  RewardModelConfig again = config("again", AnnotatorMethod::em);
  again.data.train = {{path("rm/labels.jsonl")}};
  again.train.max_steps = 1;
  train_reward_model(again);
  const std::vector<json> labels = lines_of("again/labels.jsonl");
  ASSERT_EQ(labels.size(), 20U);
  EXPECT_EQ(labels[0].at("label").at("method"), "em");
  EXPECT_EQ(labels[0].at("label").at("history").at(0).at("method"), "latent");
}

TEST_F(AnnotatorsInTraining, EvaluatesOnTheLabelsOfExperts) {
  // The crowd is wrong where there is no expert, so the labels to evaluate on are half right.
  RewardModelConfig run = config("rm", AnnotatorMethod::latent);
  train_reward_model(run);
  RewardModelConfig only = config("only", AnnotatorMethod::latent);
  only.model.path = path("rm/final");
  const RunSummary alone = train_reward_model(only, {.eval_only = true});
  const json last = testing::timeless_metrics(path("rm")).back();
  EXPECT_NEAR(*alone.evaluation->metrics.find("eval_loss"), last.at("eval_loss").get<double>(), 1e-6);
}

}  // namespace
}  // namespace rlhf
