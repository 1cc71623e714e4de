#include "rlhf/rollout/reward_source.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/fake_lm.h"

namespace rlhf {
namespace {

constexpr std::int64_t kVocab = 8;

TEST(RewardSource, FunctionSeesPromptResponseAndRecord) {
  const auto source = reward_from_function([](const ResponseRecord& sampled) {
    return static_cast<float>(100 * sampled.prompt.size() + 10 * sampled.response.size() + sampled.record.size());
  });
  const std::vector<ResponseRecord> responses = {{"a", "ccc", "{}"}, {"bb", "", "{}"}};
  EXPECT_EQ(source->score({Rollout{}, responses}), (std::vector<float>{132, 202}));
}

// Scores 1, 4, 4 and 2, 2, 2: means 3 and 2, standard deviations √2 and 0.
TEST(RewardSource, AnEnsemblePaysLessWhereItsMembersDisagree) {
  const std::vector<ResponseRecord> responses = {{"a", "x", "{}"}, {"b", "y", "{}"}};
  const auto score = [&](double penalty, std::vector<float>* spread) {
    std::vector<std::unique_ptr<RewardSource>> members;
    for (const float first : {1.0F, 4.0F, 4.0F})
      members.push_back(
          reward_from_function([first](const ResponseRecord& record) { return record.prompt == "a" ? first : 2.0F; }));
    return reward_from_ensemble(std::move(members), penalty)
        ->score({.rollout = Rollout{}, .responses = responses, .spread = spread});
  };
  std::vector<float> spread;
  EXPECT_EQ(score(0, &spread), (std::vector<float>{3, 2}));
  EXPECT_FLOAT_EQ(spread.at(0), std::sqrt(2.0F));
  EXPECT_EQ(spread.at(1), 0);
  EXPECT_FLOAT_EQ(score(0.5, nullptr).at(0), 3 - std::sqrt(0.5F));
  EXPECT_THROW(reward_from_ensemble({}, 0), ArgumentError);
}

/// The score weights of FakeLm's hidden state (onehot(last), onehot(first)) are 0, 1, …, 15, so a sequence scores
/// last + 8 + first.
class RewardFromModel : public ::testing::Test {
 protected:
  std::vector<float> score(std::int64_t micro_batch_tokens) {
    const std::vector<const TokenIds*> pointers = {&prompts_[0], &prompts_[1], &prompts_[2], &prompts_[3]};
    const Rollout rollout = make_rollout(pointers, answers_, at::kCPU);
    return reward_from_model(model_, micro_batch_tokens)->score({rollout, {}});
  }

  const std::vector<std::int64_t>& forwarded() {
    return static_cast<testing::FakeLm&>(model_.trunk()).forwarded_tokens();
  }

  const std::vector<TokenIds> prompts_ = {{1, 2}, {3}, {4, 4, 4}, {5, 0}};
  const std::vector<Generation> answers_ = {{{6, 7}, {0, 0}, Finish::stop},
                                            {{2}, {0}, Finish::stop},
                                            {{1, 1, 3}, {0, 0, 0}, Finish::length},
                                            {{6}, {0}, Finish::stop}};
  ScalarModel model_{std::make_unique<testing::FakeLm>(kVocab), at::arange(2.0 * kVocab).to(at::kFloat).unsqueeze(0),
                     /*reward_mean=*/0.5};
};

TEST_F(RewardFromModel, ScoresTheLastTokenLessTheMeanForAnyBudget) {
  const std::vector<float> expected = {7 + 8 + 1 - 0.5f, 2 + 8 + 3 - 0.5f, 3 + 8 + 4 - 0.5f, 6 + 8 + 5 - 0.5f};
  for (const std::int64_t budget : {1, 6, 9, 1000}) EXPECT_EQ(score(budget), expected) << "budget " << budget;
}

TEST_F(RewardFromModel, ForwardsStayWithinTheBudget) {
  score(8);  // lengths 4, 2, 6, 3, longest first into the fullest group with room: 6 + 2, 4 + 3
  EXPECT_EQ(forwarded(), (std::vector<std::int64_t>{8, 7}));
}

}  // namespace
}  // namespace rlhf
