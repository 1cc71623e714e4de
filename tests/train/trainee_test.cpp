// A model that several ranks train, here as threads of one process.
#include "rlhf/train/trainee.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/rank_threads.h"

namespace rlhf {
namespace {

constexpr std::int64_t kWidth = 64, kLayers = 3;
constexpr OptimizerOptions kOptions{.weight_decay = 0.1, .max_grad_norm = 0.5};

at::Tensor numbers(std::int64_t rows, double phase) {
  return at::arange(rows * kWidth, at::kFloat).add(phase).mul(0.7).sin().div(4).view({rows, kWidth});
}

/// Matrices of a chain of products, the first of which is the last in the backward pass.
Parameters make_chain(at::ScalarType dtype) {
  Parameters parameters;
  for (std::int64_t i = 0; i < kLayers; ++i)
    parameters.push_back({"layer" + std::to_string(i), numbers(kWidth, i * 1e4).to(dtype).set_requires_grad(true)});
  return parameters;
}

at::Tensor loss_of(const Parameters& chain, const at::Tensor& rows) {
  at::Tensor x = rows.to(chain.front().value.scalar_type());
  for (const Parameter& layer : chain) x = x.matmul(layer.value).tanh();
  return x.to(at::kFloat).sum();
}

/// Rows for 4 passes of each of 12 rows; a rank of `size` has every size-th of the 12.
at::Tensor rows_of(int step, int rank, int size) {
  const at::Tensor all = numbers(12, 31.0 * step);
  return all.slice(0, rank, 12, size);
}

/// Three steps; returns the weights.
std::vector<at::Tensor> train(const Ranks& ranks, Sharding sharding, at::ScalarType dtype) {
  const Parameters chain = make_chain(dtype);
  Trainee trainee(chain, kOptions, ranks, sharding);
  for (int step = 0; step < 3; ++step) {
    trainee.zero_gradients();
    const at::Tensor rows = rows_of(step, ranks.rank(), ranks.size());
    // Two passes, but the last rank makes only one.
    const bool one_pass = ranks.rank() + 1 == ranks.size() && ranks.size() > 1;
    if (!one_pass) {
      trainee.begin_pass(/*last=*/false);
      loss_of(chain, rows.slice(0, 0, 1)).backward();
    }
    trainee.begin_pass(/*last=*/true);
    loss_of(chain, one_pass ? rows : rows.slice(0, 1)).backward();
    trainee.end_passes(one_pass ? 1 : 0, /*last=*/true);
    trainee.take_step(1e-2, "model", step);
  }
  std::vector<at::Tensor> weights;
  for (const Parameter& layer : chain) weights.push_back(layer.value.detach().to(at::kFloat));
  return weights;
}

/// Expects each of three ranks to end with these weights.
void expect_weights(const std::vector<at::Tensor>& expected, Sharding sharding, at::ScalarType dtype,
                    double tolerance) {
  testing::Failures failures;
  testing::run_ranks(3, failures, [&](const Ranks& ranks) {
    const auto found = train(ranks, sharding, dtype);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_LT(found[i].sub(expected[i]).abs().max().item<double>(), tolerance);
  });
  EXPECT_TRUE(failures.lines.empty());
}

TEST(Trainee, RanksTrainTheModelOfOneProcess) {
  const auto expected = train(one_rank(), Sharding::none, at::kFloat);
  for (const Sharding sharding : {Sharding::none, Sharding::optimizer, Sharding::gradients})
    expect_weights(expected, sharding, at::kFloat, 1e-5);
}

// Products in bfloat16 depend on the rows of a pass, but not on who updates what: up to one rounding of weights below
// 1/4.
TEST(Trainee, ShardsOfBfloat16AreThatOfWholeRanks) {
  std::vector<at::Tensor> whole;
  testing::Failures failures;
  testing::run_ranks(3, failures, [&](const Ranks& ranks) {
    auto weights = train(ranks, Sharding::none, at::kBFloat16);
    if (ranks.is_first()) whole = std::move(weights);
  });
  ASSERT_TRUE(failures.lines.empty());
  expect_weights(whole, Sharding::optimizer, at::kBFloat16, 2e-3);
}

// P weights of 4 bytes on n ranks: 2(n−1)/n · 4P for sums, the same for sums of parts with gathered weights, of which
// those in bfloat16 have 2 bytes, and with divided gradients one sum of parts for each of the two passes, of gradients
// in the dtype of the weights. The norm of a shard takes one number more.
TEST(Trainee, SendsWhatTheFormulasSay) {
  constexpr double kWeights = kLayers * kWidth * kWidth, kSteps = 3, kShare = 2.0 / 3.0;
  constexpr double kNorm = kSteps * 2 * kShare * 8;
  for (const auto& [sharding, dtype, bytes] :
       {std::tuple{Sharding::none, at::kFloat, kSteps * 2 * kShare * 4 * kWeights},
        std::tuple{Sharding::none, at::kBFloat16, kSteps * 2 * kShare * 4 * kWeights},
        std::tuple{Sharding::optimizer, at::kFloat, kSteps * kShare * (4 + 4) * (kWeights + 3 * 512) + kNorm},
        std::tuple{Sharding::optimizer, at::kBFloat16, kSteps * kShare * (4 + 2) * (kWeights + 3 * 512) + kNorm},
        std::tuple{Sharding::gradients, at::kFloat, kSteps * kShare * (2 * 4 + 4) * (kWeights + 3 * 512) + kNorm},
        std::tuple{Sharding::gradients, at::kBFloat16, kSteps * kShare * (2 * 2 + 2) * (kWeights + 3 * 512) + kNorm}}) {
    testing::Failures failures;
    testing::run_ranks(3, failures, [&, how = sharding, type = dtype, expected = bytes](const Ranks& ranks) {
      train(ranks, how, type);
      EXPECT_NEAR(ranks.bytes_sent(), expected, 1e-6 * expected);
    });
    EXPECT_TRUE(failures.lines.empty());
  }
}

// The masters are those that the ranks have a part of, to the bit, and (n−1)/n · 4P bytes are sent.
TEST(Trainee, FilesHaveTheMastersOfAllRanks) {
  for (const Sharding sharding : {Sharding::optimizer, Sharding::gradients}) {
    testing::Failures failures;
    testing::run_ranks(3, failures, [&, how = sharding](const Ranks& ranks) {
      const Parameters chain = make_chain(at::kBFloat16);
      Trainee trainee(chain, kOptions, ranks, how);
      trainee.begin_pass(/*last=*/true);
      loss_of(chain, rows_of(0, ranks.rank(), ranks.size())).backward();
      trainee.end_passes(0, /*last=*/true);
      trainee.take_step(1e-3, "model", 0);
      const double before = ranks.bytes_sent();
      const TensorStream files = trainee.file_tensors();
      std::size_t next = 0;
      files.give([&](const at::Tensor& values) {
        EXPECT_EQ(files.described()[next].first, chain[next].name);
        const TrainedWeights::Weight& weight = trainee.weights().weights()[next++];
        EXPECT_TRUE(weight.own(values).equal(weight.master));
        EXPECT_LT(values.sub(weight.leaf.detach()).abs().max().item<double>(), 1e-3);  // rounded from them, below 1/4
        EXPECT_GT(values.sub(weight.leaf.detach()).abs().max().item<double>(), 0);
      });
      EXPECT_EQ(next, chain.size());
      EXPECT_NEAR(ranks.bytes_sent() - before, 2.0 / 3 * 4 * (kLayers * kWidth * kWidth + 3 * 512), 1);
    });
    EXPECT_TRUE(failures.lines.empty());
  }
}

// Of two weights of other dtypes, as those of a decoder and its scalar head, which are small enough for one bucket.
TEST(Trainee, DividedFloatWeightsAreNotRoundedToBfloat16) {
  const auto train_pair = [](const Ranks& ranks, Sharding sharding) {
    Parameters pair = make_chain(at::kBFloat16);
    pair.push_back({"norm", numbers(1, 3).to(at::kBFloat16).set_requires_grad(true)});
    pair.push_back({"score", numbers(1, 5).set_requires_grad(true)});
    Trainee trainee(pair, kOptions, ranks, sharding);
    trainee.begin_pass(/*last=*/true);
    pair.back().value.mul(numbers(1, 9)).sum().backward();
    trainee.end_passes(0, /*last=*/true);
    trainee.take_step(1e-3, "model", 0);
    return pair.back().value.detach();
  };
  const at::Tensor expected = train_pair(one_rank(), Sharding::none);
  testing::Failures failures;
  testing::run_ranks(2, failures, [&](const Ranks& ranks) {
    for (const Sharding sharding : {Sharding::optimizer, Sharding::gradients})
      EXPECT_LT(train_pair(ranks, sharding).sub(expected).abs().max().item<double>(), 1e-6);
  });
  EXPECT_TRUE(failures.lines.empty());
}

// When the backward pass reaches the first layer, the gradients of the later ones are on their way.
TEST(Trainee, SendsGradientsWhileTheBackwardPassGoesOn) {
  testing::Failures failures;
  testing::run_ranks(2, failures, [](const Ranks& ranks) {
    const Parameters chain = make_chain(at::kFloat);
    Trainee trainee(chain, kOptions, ranks);
    std::vector<double> sent;
    const auto pass = [&] {
      const at::Tensor x = numbers(4, 0).matmul(chain[0].value);
      x.register_hook([&](const at::Tensor&) { sent.push_back(ranks.bytes_sent()); });
      loss_of({chain[1], chain[2]}, x).backward();
    };
    pass();
    trainee.begin_pass(/*last=*/true);
    pass();
    trainee.end_passes(0, /*last=*/true);
    trainee.sum_gradients();
    const double layer = 4 * kWidth * kWidth;  // 2(n−1)/n = 1
    EXPECT_EQ(sent, (std::vector<double>{0, 2 * layer}));
    EXPECT_EQ(ranks.bytes_sent(), 3 * layer);
  });
  EXPECT_TRUE(failures.lines.empty());
}

// With divided gradients a rank keeps those of its part, and leaves have none between passes.
TEST(Trainee, KeepsOnlyItsPartOfDividedGradients) {
  testing::Failures failures;
  testing::run_ranks(2, failures, [](const Ranks& ranks) {
    const Parameters chain = make_chain(at::kFloat);
    Trainee trainee(chain, kOptions, ranks, Sharding::gradients);
    EXPECT_EQ(trainee.weights().gradients().numel(), kLayers * kWidth * kWidth / 2);
    trainee.begin_pass(/*last=*/true);
    loss_of(chain, numbers(2, 0)).backward();
    trainee.end_passes(0, /*last=*/true);
    trainee.sum_gradients();
    for (const Parameter& layer : chain) EXPECT_FALSE(layer.value.grad().defined());
    loss_of(chain, numbers(2, 0)).backward();
    EXPECT_THROW(trainee.sum_gradients(), std::logic_error) << "without begin_pass()";
    EXPECT_GT(trainee.weights().gradients().abs().max().item<double>(), 0);
  });
  EXPECT_TRUE(failures.lines.empty());
}

TEST(Trainee, RefusesASecondPassAfterTheLast) {
  testing::Failures failures;
  testing::run_ranks(2, failures, [](const Ranks& ranks) {
    const Parameters chain = make_chain(at::kFloat);
    Trainee trainee(chain, kOptions, ranks);
    trainee.begin_pass(/*last=*/true);
    loss_of(chain, numbers(2, 0)).backward();
    EXPECT_THROW(loss_of(chain, numbers(2, 0)).backward(), std::logic_error);
    trainee.sum_gradients();
  });
}

}  // namespace
}  // namespace rlhf
