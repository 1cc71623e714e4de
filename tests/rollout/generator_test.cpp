#include "rlhf/rollout/generator.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

#include "support/chi_square.h"
#include "support/fake_lm.h"

namespace rlhf {
namespace {

using testing::FakeLm;
constexpr std::int64_t kVocab = 7;
constexpr std::int32_t kStop = 4;

const std::vector<TokenIds> kPrompts = {{0, 1}, {2, 3, 5}, {6}, {1, 6, 2, 0, 3}, {5, 5}, {3}, {2, 1, 0}, {0, 6}};

std::vector<GenerationRequest> requests_for(const std::vector<TokenIds>& prompts) {
  std::vector<GenerationRequest> requests;
  for (const TokenIds& prompt : prompts) requests.push_back({&prompt, 100 + requests.size()});
  return requests;
}

SamplingOptions sampling(std::int64_t max_new_tokens = 12, double temperature = 0.8) {
  SamplingOptions options;
  options.max_new_tokens = max_new_tokens;
  options.temperature = temperature;
  options.stop_ids = {kStop};
  options.seed = 9;
  return options;
}

void expect_same(const Generation& found, const Generation& expected) {
  EXPECT_EQ(found.tokens, expected.tokens);
  EXPECT_EQ(found.finish, expected.finish);
  ASSERT_EQ(found.logprobs.size(), expected.logprobs.size());
  for (std::size_t t = 0; t < expected.logprobs.size(); ++t) {
    EXPECT_NEAR(found.logprobs[t], expected.logprobs[t], 1e-6);
  }
}

TEST(Generator, LogprobsAreTheModelsAtTheTemperature) {
  FakeLm model(kVocab);
  const auto answers = generate(model, requests_for(kPrompts), sampling(), 3);
  for (std::size_t i = 0; i < kPrompts.size(); ++i) {
    std::int32_t last = kPrompts[i].back();
    ASSERT_EQ(answers[i].logprobs.size(), answers[i].tokens.size());
    for (std::size_t t = 0; t < answers[i].tokens.size(); ++t) {
      const std::int32_t token = answers[i].tokens[t];
      EXPECT_NEAR(answers[i].logprobs[t], model.logprobs(kPrompts[i][0], last, 0.8)[token], 1e-5);
      last = token;
    }
  }
}

TEST(Generator, GreedyFollowsTheLargestLogit) {
  FakeLm model(kVocab);
  const auto answers = generate(model, requests_for(kPrompts), sampling(12, 0.0), 64);
  for (std::size_t i = 0; i < kPrompts.size(); ++i) {
    std::int64_t last = kPrompts[i].back();
    TokenIds expected;
    while (expected.size() < 12 && last != kStop) {
      const auto logprobs = model.logprobs(kPrompts[i][0], last, 1.0);
      last = std::max_element(logprobs.begin(), logprobs.end()) - logprobs.begin();
      expected.push_back(static_cast<std::int32_t>(last));
    }
    EXPECT_EQ(answers[i].tokens, expected) << "prompt " << i;
  }
}

TEST(Generator, IdsWithoutATokenAreNeverSampledAndStillCountInLogprobs) {
  FakeLm model(kVocab);
  for (const double temperature : {0.0, 0.8}) {
    SamplingOptions options = sampling(12, temperature);
    options.never = {1, 5, 6};
    const auto answers = generate(model, requests_for(kPrompts), options, 3);
    for (std::size_t i = 0; i < kPrompts.size(); ++i) {
      std::int32_t last = kPrompts[i].back();
      for (std::size_t t = 0; t < answers[i].tokens.size(); ++t) {
        const std::int32_t token = answers[i].tokens[t];
        EXPECT_TRUE(token != 1 && token < 5) << token;
        const auto logprobs = model.logprobs(kPrompts[i][0], last, temperature == 0 ? 1 : temperature);
        EXPECT_NEAR(answers[i].logprobs[t], logprobs[static_cast<std::size_t>(token)], 1e-5);
        last = token;
      }
    }
  }
}

TEST(Generator, FirstTokensFollowTheModelsDistribution) {
  FakeLm model(kVocab);
  const TokenIds prompt = {2, 5};
  std::vector<GenerationRequest> requests;
  for (std::uint64_t stream = 0; stream < 5000; ++stream) requests.push_back({&prompt, stream});
  std::vector<std::int64_t> counts(kVocab);
  for (const auto& answer : generate(model, requests, sampling(1, 1.0), 1000)) ++counts[answer.tokens.at(0)];
  std::vector<double> probabilities;
  for (const double logprob : model.logprobs(2, 5, 1.0)) probabilities.push_back(std::exp(logprob));
  EXPECT_LT(testing::chi_square(counts, probabilities), 22.5);  // 6 degrees of freedom, 0.999 quantile
}

TEST(Generator, AnswersDoNotDependOnNeighboursOrderOrRows) {
  FakeLm model(kVocab);
  const auto requests = requests_for(kPrompts);
  std::vector<Generation> alone;
  for (const auto& request : requests) alone.push_back(generate(model, {&request, 1}, sampling(), 1).at(0));
  for (const std::int64_t max_rows : {1, 3, 64}) {
    const auto together = generate(model, requests, sampling(), max_rows);
    auto reversed_requests = requests;
    std::ranges::reverse(reversed_requests);
    auto reversed = generate(model, reversed_requests, sampling(), max_rows);
    std::ranges::reverse(reversed);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      SCOPED_TRACE(::testing::Message() << "prompt " << i << ", max_rows " << max_rows);
      expect_same(together[i], alone[i]);
      expect_same(reversed[i], alone[i]);
    }
  }
}

TEST(Generator, StreamAndSeedDecideTheAnswer) {
  FakeLm model(kVocab);
  const TokenIds prompt = {1, 2, 3};
  SamplingOptions options = sampling(30, 1.5);
  options.stop_ids.clear();
  const std::vector<GenerationRequest> requests = {{&prompt, 1}, {&prompt, 2}, {&prompt, 1}};
  const auto answers = generate(model, requests, options, 3);
  EXPECT_EQ(answers[0].tokens, answers[2].tokens);
  EXPECT_NE(answers[0].tokens, answers[1].tokens);
  options.seed = 10;
  EXPECT_NE(generate(model, requests, options, 3)[0].tokens, answers[0].tokens);
}

TEST(Generator, StopIdEndsAnAnswerAndIsPartOfIt) {
  FakeLm model(kVocab);
  bool stopped = false, cut = false;
  for (const auto& answer : generate(model, requests_for(kPrompts), sampling(4), 8)) {
    const auto stop = std::find(answer.tokens.begin(), answer.tokens.end(), kStop);
    if (answer.finish == Finish::stop) {
      EXPECT_EQ(stop, answer.tokens.end() - 1);
      stopped = true;
    } else {
      EXPECT_EQ(stop, answer.tokens.end());
      EXPECT_EQ(answer.tokens.size(), 4u);
      cut = true;
    }
  }
  EXPECT_TRUE(stopped && cut) << "the case must show both";
}

TEST(Generator, FinishedRowsLeaveTheBatch) {
  FakeLm model(kVocab);
  WorkCounters work;
  const auto answers = generate(model, requests_for(kPrompts), sampling(), 8, {}, &work);
  std::int64_t emitted = 0;
  std::size_t longest = 0;
  for (const auto& answer : answers) {
    emitted += static_cast<std::int64_t>(answer.tokens.size());
    longest = std::max(longest, answer.tokens.size());
  }
  EXPECT_EQ(work.emitted_tokens, emitted);
  EXPECT_EQ(work.prefill_tokens, 19);
  // The first token of an answer comes from the prefill, every other one from one row of one decode.
  EXPECT_EQ(work.decode_row_steps, emitted - 8);
  ASSERT_EQ(model.decoded_rows().size(), longest - 1);
  for (std::size_t t = 1; t < longest; ++t) {
    EXPECT_EQ(model.decoded_rows()[t - 1],
              std::ranges::count_if(answers, [&](const Generation& answer) { return answer.tokens.size() > t; }));
  }
}

TEST(Generator, AnswersToOnePromptShareItsPrefill) {
  FakeLm model(kVocab);
  const TokenIds first = {1, 2, 3}, second = {4, 5}, same = {1, 2, 3};
  const std::vector<GenerationRequest> requests = {{&first, 1}, {&second, 2}, {&same, 3}, {&first, 4}};
  WorkCounters work;
  const auto together = generate(model, requests, sampling(), 4, {}, &work);
  EXPECT_EQ(work.prefill_tokens, 5);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    expect_same(together[i], generate(model, {&requests[i], 1}, sampling(), 1).at(0));
  }
  work = {};
  generate(model, requests, sampling(), 2, {}, &work);  // three rows for one prompt do not fit: twice, then
  EXPECT_EQ(work.prefill_tokens, 8);
}

TEST(Generator, RowsThatFinishAreFilledAgainFromTheQueue) {
  FakeLm model(kVocab);
  std::vector<TokenIds> prompts;
  for (std::int32_t i = 0; i < 40; ++i) prompts.push_back({i % 7, (3 * i) % 7});
  const auto answers = generate(model, requests_for(prompts), sampling(30), 8);
  std::int64_t steps = 0, longest = 0;
  for (const Generation& answer : answers) {
    steps += static_cast<std::int64_t>(answer.tokens.size()) - 1;
    longest = std::max(longest, static_cast<std::int64_t>(answer.tokens.size()) - 1);
  }
  // While there is a queue all eight rows are taken; once it is empty the longest answer decides.
  EXPECT_LE(static_cast<std::int64_t>(model.decoded_rows().size()), steps / 8 + longest);
  // Waves of eight answers would wait for the longest of each wave.
  EXPECT_GT(*std::ranges::max_element(model.decoded_rows()), 6);
}

TEST(Generator, NoMoreRowsThanAllowed) {
  FakeLm model(kVocab);
  generate(model, requests_for(kPrompts), sampling(), 3);
  EXPECT_LE(*std::ranges::max_element(model.decoded_rows()), 3);
}

TEST(Generator, PromptTokensOfOneForwardAreBounded) {
  FakeLm model(kVocab, /*max_positions=*/30000);
  const std::vector<TokenIds> prompts = {TokenIds(12000, 1), TokenIds(20000, 2), TokenIds(16000, 3)};
  generate(model, requests_for(prompts), sampling(2), 3);
  EXPECT_EQ(model.forwarded_tokens(), (std::vector<std::int64_t>{20000, 28000}));  // at most 32768, longest first
}

TEST(Generator, EveryTokenIsStreamedInOrder) {
  FakeLm model(kVocab);
  std::vector<TokenIds> streamed(kPrompts.size());
  const auto answers = generate(model, requests_for(kPrompts), sampling(), 3,
                                [&](std::size_t request, std::int32_t token) { streamed[request].push_back(token); });
  for (std::size_t i = 0; i < kPrompts.size(); ++i) EXPECT_EQ(streamed[i], answers[i].tokens);
}

TEST(Generator, PromptsAreCheckedBeforeAnythingRuns) {
  FakeLm model(kVocab, /*max_positions=*/8);
  const std::vector<TokenIds> empty = {{1}, {}}, longest = {{1, 2, 3}}, too_long = {{1, 2, 3, 0}};
  EXPECT_THROW(generate(model, requests_for(empty), sampling(5), 2), ShapeError);
  EXPECT_NO_THROW(generate(model, requests_for(longest), sampling(5), 2));
  EXPECT_THROW(generate(model, requests_for(too_long), sampling(5), 2), ModelError);
  EXPECT_TRUE(generate(model, {}, sampling(5), 2).empty());
}

TEST(Generator, NonFiniteLogitsAreRefused) {
  FakeLm model(kVocab);
  model.mutable_head().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(generate(model, requests_for(kPrompts), sampling(), 8), NumericsError);
}

TEST(Generator, SignalEndsTheLoop) {
  FakeLm model(kVocab);
  SamplingOptions options = sampling();
  options.stop_ids.clear();
  const auto signal_at_once = [](std::size_t, std::int32_t) { set_stop_signal(2); };
  EXPECT_THROW(generate(model, requests_for(kPrompts), options, 8, signal_at_once), Interrupted);
  set_stop_signal(0);
  EXPECT_EQ(model.decoded_rows().size(), 1u);
}

}  // namespace
}  // namespace rlhf
