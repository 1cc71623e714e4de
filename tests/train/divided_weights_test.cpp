// Models whose weights are divided among ranks, here threads of one process.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/train/trainee.h"

#include "support/rank_threads.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

constexpr OptimizerOptions kOptions{.weight_decay = 0.1, .max_grad_norm = 0.5};
const std::vector<TokenIds> kTexts = {{1, 5, 9, 3, 7}, {1, 2, 8}, {4, 4, 6, 2}, {7, 3}, {2, 9, 9, 1, 5, 5}, {3, 1, 2}};

std::unique_ptr<CausalLM> load(const std::string& name, at::ScalarType dtype, const WeightKeeping& keeping) {
  return load_causal_lm(read_model_folder(testing::source_dir() + "/golden/" + name), at::kCPU, dtype,
                        /*requires_grad=*/true, /*seed=*/0,
                        /*allow_missing_head=*/true, keeping);
}

/// Adds the gradient of -log p of all tokens of a text after its first one.
void add_gradient(CausalLM& model, const TokenIds& text) {
  const PackedBatch batch = pack(std::vector{&text}, at::kCPU);
  const auto last = static_cast<std::int64_t>(text.size()) - 1;
  const at::Tensor hidden = model.forward(batch).narrow(0, 0, last);
  linear_logprobs(hidden, model.head(), batch.tokens.narrow(0, 1, last)).logprobs.sum().neg().backward();
}

/// Two steps over the texts, each of which is a pass of one rank: the last rank has fewer. Returns all weights.
std::vector<at::Tensor> train(const Ranks& ranks, const std::string& name, Sharding sharding, at::ScalarType dtype,
                              bool recompute = false) {
  const auto model = load(name, dtype, sharding == Sharding::parameters ? keep_parts(ranks) : WeightKeeping());
  model->set_recompute(recompute);
  model->set_router_loss(0.02);
  Trainee trainee(model->parameters(), kOptions, ranks, sharding, model.get());
  const auto size = static_cast<std::size_t>(ranks.size());
  const std::size_t most = (kTexts.size() + size - 1) / size;
  for (int step = 0; step < 2; ++step) {
    trainee.zero_gradients();
    std::size_t passes = 0;
    for (std::size_t i = static_cast<std::size_t>(ranks.rank()); i < kTexts.size(); i += size, ++passes) {
      trainee.begin_pass(/*last=*/i + size >= kTexts.size());
      add_gradient(*model, kTexts[i]);
    }
    trainee.end_passes(static_cast<std::int64_t>(most - passes), /*last=*/true);
    trainee.take_step(1e-2, "model", step);
  }
  trainee.wait_for_weights();
  std::vector<at::Tensor> weights;
  lend_weights(*model, [&] {
    for (const Parameter& parameter : model->parameters())
      weights.push_back(parameter.value.detach().to(at::kFloat, /*non_blocking=*/false, /*copy=*/true));
  });
  return weights;
}

double largest_difference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, a[i].sub(b.at(i)).abs().max().item<double>());
  return largest;
}

template <typename Body>
void run(int size, const Body& body) {
  testing::Failures failures;
  testing::run_ranks(size, failures, body);
  EXPECT_TRUE(failures.lines.empty()) << failures.lines.front();
}

std::string name_of(const ::testing::TestParamInfo<const char*>& model) {
  std::string name = model.param;
  return name.replace(name.find('/'), 1, "_");
}

class DividedWeights : public ::testing::TestWithParam<const char*> {};

// On 4 of 4 ranks, two have only one of the two passes of the others.
TEST_P(DividedWeights, AreTrainedLikeThoseOfOneProcess) {
  const auto expected = train(one_rank(), GetParam(), Sharding::none, at::kFloat);
  for (const int size : {2, 4})
    for (const bool recompute : {false, true})
      run(size, [&](const Ranks& ranks) {
        const auto found = train(ranks, GetParam(), Sharding::parameters, at::kFloat, recompute);
        EXPECT_LT(largest_difference(found, expected), 1e-5) << size << " ranks";
      });
}

// They arrive while the next pass begins.
TEST_P(DividedWeights, GatheredForTheNextPassAreThoseOfOneProcess) {
  const auto expected = train(one_rank(), GetParam(), Sharding::none, at::kFloat);
  for (const Sharding sharding : {Sharding::optimizer, Sharding::gradients})
    run(3, [&, how = sharding](const Ranks& ranks) {
      EXPECT_LT(largest_difference(train(ranks, GetParam(), how, at::kFloat), expected), 1e-5);
    });
}

// The file has float32 values, which are the masters.
TEST_P(DividedWeights, InBfloat16AreThoseOfDividedGradients) {
  std::map<Sharding, std::vector<at::Tensor>> found;
  for (const Sharding sharding : {Sharding::gradients, Sharding::parameters})
    run(2, [&](const Ranks& ranks) {
      auto weights = train(ranks, GetParam(), sharding, at::kBFloat16);
      if (ranks.is_first()) found[sharding] = std::move(weights);
    });
  // Sums of squares are added in another order, and a weight may be rounded to the other side.
  EXPECT_LT(largest_difference(found[Sharding::gradients], found[Sharding::parameters]), 0.01);
}

// The experts of a layer that no token of a rank chooses have no gradient there.
INSTANTIATE_TEST_SUITE_P(Models, DividedWeights, ::testing::Values("llama/tied", "llama/untied", "families/mixtral"),
                         name_of);

class WrittenWeights : public ::testing::TestWithParam<const char*> {};

// The float32 values of the file are the masters, also of weights in bfloat16, and go to files again.
TEST_P(WrittenWeights, AreThoseThatWereRead) {
  const auto whole = load(GetParam(), at::kFloat, {});
  const NamedTensors expected = named_values(whole->parameters());
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    run(3, [&, compute = dtype](const Ranks& ranks) {
      const auto model = load(GetParam(), compute, keep_parts(ranks));
      Trainee trainee(model->parameters(), kOptions, ranks, Sharding::parameters, model.get());
      const TensorStream files = trainee.file_tensors();
      std::size_t next = 0;
      files.give([&](const at::Tensor& values) {
        const auto& [name, tensor] = expected.at(next);
        EXPECT_EQ(files.described()[next++].first, name);
        EXPECT_TRUE(values.equal(tensor)) << name;
      });
      EXPECT_EQ(next, expected.size());
    });
}

// With fused, transposed and interleaved matrices in files.
INSTANTIATE_TEST_SUITE_P(Models, WrittenWeights,
                         ::testing::Values("llama/tied", "families/mixtral", "families/gpt2", "families/gpt_neox"),
                         name_of);

std::int64_t padded(std::int64_t elements, std::int64_t alignment) {
  return (elements + alignment - 1) / alignment * alignment;
}

/// The elements of a unit on n ranks: each weight begins at a multiple of 256.
std::int64_t elements_of(const Parameters& parameters, std::int64_t layer, std::int64_t ranks) {
  std::int64_t sum = 0;
  for (const Parameter& parameter : parameters)
    if (parameter.layer == layer) sum += padded(parameter.value.numel(), 256);
  return padded(sum, 256 * ranks);
}

// (n−1)/n of: in each of 3 passes of a step the float32 gradients of everything, and the weights of two layers, once in
// the forward pass, and those of the first again in the backward pass; in each step those before and after the layers
// once. The norm is 2(n−1)/n · 8 bytes.
TEST(DividedWeights, SendWhatTheFormulaSays) {
  const auto model = load("llama/untied", at::kFloat, {});
  const auto unit = [&](std::int64_t layer) { return 4.0 * elements_of(model->parameters(), layer, 2); };
  const double outside = unit(-1) + unit(2), layers = unit(0) + unit(1);
  const double pass = outside + layers + layers + unit(0);
  const double lent = outside + layers;  // at the end of train()
  run(2, [&](const Ranks& ranks) {
    train(ranks, "llama/untied", Sharding::parameters, at::kFloat);
    EXPECT_NEAR(ranks.bytes_sent(), 0.5 * (2 * (3 * pass + outside + 2 * 8) + lent), 0.5);
  });
}

TEST(DividedWeights, HaveAPartOfTheMemory) {
  const auto model = load("llama/untied", at::kBFloat16, {});
  std::int64_t elements = 0;
  for (std::int64_t layer = -1; layer <= 2; ++layer) elements += elements_of(model->parameters(), layer, 4);
  run(4, [&](const Ranks& ranks) {
    const auto divided = load("llama/untied", at::kBFloat16, keep_parts(ranks));
    const Trainee trainee(divided->parameters(), kOptions, ranks, Sharding::parameters, divided.get());
    EXPECT_EQ(divided->supply()->bytes(), elements / 4 * 2);
    // Gradients have the padding of units; masters, of which each weight has its part, have none.
    std::int64_t masters = 0;
    for (const auto& weight : trainee.weights().weights()) masters += weight.master.numel();
    EXPECT_EQ(trainee.weights().bytes(), (elements / 4 + masters) * 4);
    EXPECT_LE(masters, elements / 4);
  });
}

/// Answers of a rank to its own number of prompts, as texts of ids.
std::vector<TokenIds> answer(CausalLM& model, std::size_t prompts, std::int64_t longest) {
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts; ++i) requests.push_back({&kTexts[i], i});
  std::vector<TokenIds> answers;
  for (const Generation& generation :
       generate(model, requests, {.max_new_tokens = longest, .temperature = 1, .seed = 3}, /*max_rows=*/2))
    answers.push_back(generation.tokens);
  return answers;
}

// Layer by layer, a rank that is done takes part in the passes of the others. Rank 2 has nothing to do.
TEST(DividedWeights, GenerateTheSameWithOtherNumbersOfPasses) {
  const std::size_t prompts[] = {5, 1, 0};
  for (const bool whole : {true, false})
    run(3, [&](const Ranks& ranks) {
      const std::size_t own = prompts[ranks.rank()];
      const auto model = load("llama/tied", at::kFloat, keep_parts(ranks, whole)),
                 alone = load("llama/tied", at::kFloat, {});
      for (const std::int64_t longest : {3, 6}) EXPECT_EQ(answer(*model, own, longest), answer(*alone, own, longest));
    });
}

}  // namespace
}  // namespace rlhf
