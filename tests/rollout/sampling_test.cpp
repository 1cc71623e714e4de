#include "rlhf/rollout/sampling.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/tensor/packed_batch.h"

#include "support/chi_square.h"

namespace rlhf {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// One row of logits for each uniform number.
at::Tensor rows_of(const std::vector<double>& logits, std::size_t rows) {
  return at::tensor(logits).to(at::kFloat).unsqueeze(0).expand({static_cast<std::int64_t>(rows), -1});
}

std::vector<double> log_of(const std::vector<double>& probabilities) {
  std::vector<double> logits;
  for (const double p : probabilities) logits.push_back(std::log(p));
  return logits;
}

std::vector<std::int64_t> tokens_for(const std::vector<double>& logits, const std::vector<float>& uniforms,
                                     const SamplingOptions& options = {}) {
  const Sampled sampled = sample_tokens(rows_of(logits, uniforms.size()), to_device(uniforms, at::kCPU), options);
  const auto* tokens = sampled.tokens.const_data_ptr<std::int64_t>();
  return {tokens, tokens + uniforms.size()};
}

/// The set of tokens that 1000 evenly spread uniforms reach.
std::set<std::int64_t> reachable(const std::vector<double>& logits, const SamplingOptions& options) {
  std::vector<float> uniforms;
  for (int i = 0; i < 1000; ++i) uniforms.push_back((static_cast<float>(i) + 0.5f) / 1000);
  const auto tokens = tokens_for(logits, uniforms, options);
  return {tokens.begin(), tokens.end()};
}

SamplingOptions truncated(std::int64_t top_k, double top_p) {
  SamplingOptions options;
  options.top_k = top_k;
  options.top_p = top_p;
  return options;
}

const std::vector<double> kTenths = log_of({0.4, 0.1, 0.3, 0.2});

TEST(Sampling, InvertsTheCumulativeDistribution) {
  // Cumulative: 0.4, 0.5, 0.8, 1.
  EXPECT_EQ(tokens_for(kTenths, {0.01f, 0.39f, 0.41f, 0.49f, 0.51f, 0.79f, 0.81f, 0.99f}),
            (std::vector<std::int64_t>{0, 0, 1, 1, 2, 2, 3, 3}));
}

// Of 0.4, 0.1, 0.3 and 0.2, the first is in a gap of the ids; the last is behind them.
TEST(Sampling, IdsWithoutATokenAreNeverSampledButCountInLogprobs) {
  for (const TokenIds& never : {TokenIds{3}, TokenIds{0}, TokenIds{0, 3}, TokenIds{0, 3, 9}}) {
    std::set<std::int64_t> allowed = {0, 1, 2, 3};
    for (const std::int32_t id : never) allowed.erase(id);
    for (const auto& [top_k, top_p] : {std::pair<std::int64_t, double>{0, 1.0}, {3, 1.0}, {0, 0.999}}) {
      SamplingOptions options = truncated(top_k, top_p);
      options.never = never;
      EXPECT_EQ(reachable(kTenths, options), allowed) << top_k << " " << top_p;
      options.temperature = 0;
      const Sampled greedy = sample_tokens(rows_of(kTenths, 1), {}, options);
      const bool has_first = allowed.contains(0);
      EXPECT_EQ(greedy.tokens.item<std::int64_t>(), has_first ? 0 : 2);
      EXPECT_NEAR(greedy.logprobs.item<double>(), std::log(has_first ? 0.4 : 0.3), 1e-5) << "over all four";
    }
  }
}

TEST(Sampling, FrequenciesFollowTheSoftmaxAtTheTemperature) {
  const std::vector<double> logits = {1.0, -0.5, 0.3, 2.0, -1.2, 0.0, 0.9, -0.1};
  constexpr double kTemperature = 0.7;
  std::vector<double> probabilities;
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit / kTemperature);
  for (const double logit : logits) probabilities.push_back(std::exp(logit / kTemperature) / sum);

  std::vector<float> uniforms;
  for (std::uint64_t i = 0; i < 20000; ++i) uniforms.push_back(static_cast<float>(random_uniform(5, i, 0)));
  SamplingOptions options;
  options.temperature = kTemperature;
  std::vector<std::int64_t> counts(logits.size());
  for (const std::int64_t token : tokens_for(logits, uniforms, options)) ++counts[token];
  EXPECT_LT(testing::chi_square(counts, probabilities), 24.3);  // 7 degrees of freedom, 0.999 quantile
}

TEST(Sampling, LogprobsAreOfTheWholeVocabularyAtTheTemperature) {
  // Temperature 2 makes the weights sqrt(p): 0.6, 0.3, 0.1 of the sum 1 for p ~ 0.36, 0.09, 0.01. top_k does not count.
  SamplingOptions options = truncated(1, 1.0);
  options.temperature = 2.0;
  const Sampled sampled =
      sample_tokens(rows_of(log_of({0.36, 0.09, 0.01}), 1), to_device(std::vector<float>{0.5f}, at::kCPU), options);
  EXPECT_EQ(sampled.tokens.item<std::int64_t>(), 0);
  EXPECT_EQ(sampled.logprobs.scalar_type(), at::kFloat);
  EXPECT_NEAR(sampled.logprobs.item<float>(), std::log(0.6), 1e-6);
}

TEST(Sampling, TopKKeepsTheLikeliest) {
  EXPECT_EQ(reachable(kTenths, truncated(1, 1.0)), (std::set<std::int64_t>{0}));
  EXPECT_EQ(reachable(kTenths, truncated(2, 1.0)), (std::set<std::int64_t>{0, 2}));
  EXPECT_EQ(reachable(kTenths, truncated(3, 1.0)), (std::set<std::int64_t>{0, 2, 3}));
  EXPECT_EQ(reachable(kTenths, truncated(9, 1.0)), (std::set<std::int64_t>{0, 1, 2, 3}));
  // Two are kept: 0.4 / 0.7 = 0.571 is where the second begins.
  EXPECT_EQ(tokens_for(kTenths, {0.57f, 0.573f}, truncated(2, 1.0)), (std::vector<std::int64_t>{0, 2}));
}

TEST(Sampling, TopPKeepsTheFewestThatReachTheMass) {
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.01)), (std::set<std::int64_t>{0}));
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.39)), (std::set<std::int64_t>{0}));
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.41)), (std::set<std::int64_t>{0, 2}));
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.69)), (std::set<std::int64_t>{0, 2}));
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.71)), (std::set<std::int64_t>{0, 2, 3}));
  EXPECT_EQ(reachable(kTenths, truncated(0, 0.91)), (std::set<std::int64_t>{0, 1, 2, 3}));
}

TEST(Sampling, TopPCountsTheMassThatTopKLeft) {
  // Of 0.4, 0.3, 0.2 the first two hold 0.7 / 0.9 = 0.778, which reaches 0.75; of the whole they would not.
  EXPECT_EQ(reachable(kTenths, truncated(3, 0.75)), (std::set<std::int64_t>{0, 2}));
  EXPECT_EQ(reachable(kTenths, truncated(3, 0.79)), (std::set<std::int64_t>{0, 2, 3}));
}

TEST(Sampling, GreedyTakesTheFirstOfEqualsAndReportsAtTemperatureOne) {
  SamplingOptions options;
  options.temperature = 0;
  const Sampled sampled = sample_tokens(rows_of(log_of({0.1, 0.3, 0.3, 0.3}), 1), {}, options);
  EXPECT_EQ(sampled.tokens.item<std::int64_t>(), 1);
  EXPECT_NEAR(sampled.logprobs.item<float>(), std::log(0.3), 1e-6);
}

TEST(Sampling, TokenOfProbabilityZeroIsNeverReturned) {
  const double zero = -kInfinity;
  const std::vector<double> logits = {zero, 0.0, zero, 0.5, zero, zero};
  // 1.0f is what a double just below 1 rounds to.
  EXPECT_EQ(tokens_for(logits, {0.0f, 1e-30f, 0.99999994f, 1.0f}), (std::vector<std::int64_t>{1, 1, 3, 3}));
  EXPECT_EQ(tokens_for(logits, {1.0f}, truncated(5, 1.0)), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(tokens_for(logits, {1.0f}, truncated(0, 0.999)), (std::vector<std::int64_t>{1}));
}

TEST(Sampling, LongVocabularyWhoseSumRoundsStaysInside) {
  constexpr std::int64_t kVocab = 50257;
  at::Tensor logits = at::full({1, kVocab}, 0.0, at::kFloat);
  logits.slice(1, kVocab - 100, kVocab).fill_(-kInfinity);
  const Sampled sampled = sample_tokens(logits, to_device(std::vector<float>{0.99999994f}, at::kCPU), {});
  EXPECT_LT(sampled.tokens.item<std::int64_t>(), kVocab - 100);
  EXPECT_GT(sampled.tokens.item<std::int64_t>(), kVocab - 200);
}

TEST(Sampling, LowPrecisionLogitsAreSummedInFloat32) {
  // 1000 equal logits: log(1/1000) = -6.9078, where bfloat16 could only say -6.90625.
  const at::Tensor logits = at::full({1, 1000}, 1.0, at::kBFloat16);
  const Sampled sampled = sample_tokens(logits, to_device(std::vector<float>{0.5f}, at::kCPU), {});
  EXPECT_NEAR(sampled.logprobs.item<float>(), -std::log(1000.0), 1e-5);
}

TEST(Sampling, WrongShapesAreRefused) {
  const at::Tensor uniforms = to_device(std::vector<float>{0.5f}, at::kCPU);
  EXPECT_THROW(sample_tokens(at::full({4}, 0.0), uniforms, {}), ShapeError);
  EXPECT_THROW(sample_tokens(at::full({2, 4}, 0.0), uniforms, {}), ShapeError);
}

}  // namespace
}  // namespace rlhf
