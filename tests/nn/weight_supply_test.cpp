// Weights that are there only while a model uses them, here kept by one process.
#include "rlhf/nn/weight_supply.h"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::golden;
using testing::largest_difference;

const WeightKeeping kKept{.device = at::kCPU};  // a copy, as on the host of an accelerator
const std::vector<TokenIds> kTexts = {{1, 5, 9, 3, 7}, {1, 2}};

std::unique_ptr<CausalLM> load(const std::string& name, const WeightKeeping& keeping) {
  return load_causal_lm(read_model_folder(golden(name)), at::kCPU, at::kFloat, /*requires_grad=*/true, /*seed=*/0,
                        /*allow_missing_head=*/true, keeping);
}

PackedBatch batch() { return pack(kTexts, at::kCPU); }

void run_backward(CausalLM& model) {
  const at::Tensor rows = at::tensor({0, 1, 2, 3, 5}, at::kLong), targets = at::tensor({5, 9, 3, 7, 2}, at::kLong);
  linear_logprobs(model.forward(batch(), rows), model.head(), targets).logprobs.sum().backward();
}

std::string name_of(const ::testing::TestParamInfo<const char*>& model) {
  std::string name = model.param;
  return name.replace(name.find('/'), 1, "_");
}

class WeightSupplyOf : public ::testing::TestWithParam<const char*> {};

TEST_P(WeightSupplyOf, AModelGivesTheSameGradients) {
  const auto expected = load(GetParam(), {}), model = load(GetParam(), kKept);
  ASSERT_EQ(expected->supply(), nullptr);
  for (const bool recompute : {false, true}) {
    for (CausalLM* const each : {expected.get(), model.get()}) {
      each->set_recompute(recompute);
      for (const Parameter& parameter : each->parameters()) parameter.value.mutable_grad().reset();
    }
    run_backward(*expected);
    for (int pass = 0; pass < 2; ++pass) {  // the second one adds nothing that is not there
      for (const Parameter& parameter : model->parameters()) parameter.value.mutable_grad().reset();
      model->supply()->begin_training(nullptr);
      run_backward(*model);
    }
    model->supply()->end_training();
    for (std::size_t i = 0; i < model->parameters().size(); ++i) {
      const Parameter &found = model->parameters()[i], &wanted = expected->parameters()[i];
      ASSERT_EQ(found.value.grad().defined(), wanted.value.grad().defined()) << found.name;
      if (!wanted.value.grad().defined()) continue;
      EXPECT_EQ(largest_difference(found.value.grad(), wanted.value.grad()), 0) << found.name;
    }
  }
}

TEST_P(WeightSupplyOf, AModelDecodesTheSame) {
  const at::NoGradGuard no_grad;
  const auto decode = [](CausalLM& model) {
    const ModelShape& shape = model.shape();
    KvCache cache(shape.num_layers, 2, shape.num_key_value_heads, 8, shape.head_dim, at::TensorOptions(at::kFloat));
    model.forward(batch(), {}, &cache);
    return model.decode(at::tensor({3, 4}, at::kLong), cache);
  };
  const auto model = load(GetParam(), kKept);
  const at::Tensor expected = decode(*load(GetParam(), {}));
  for (const bool whole : {true, false}) {
    model->supply()->lend_whole(whole);
    model->supply()->lend([&] { EXPECT_EQ(largest_difference(decode(*model), expected), 0); });
  }
}

INSTANTIATE_TEST_SUITE_P(Models, WeightSupplyOf,
                         ::testing::Values("llama/tied", "llama/untied", "families/mixtral", "families/gpt2"), name_of);

/// The layers that have memory.
std::vector<std::int64_t> layers_there(CausalLM& model) {
  std::vector<std::int64_t> layers;
  for (const Parameter& parameter : model.parameters())
    if (parameter.value.storage().nbytes() > 0 && (layers.empty() || layers.back() != parameter.layer))
      layers.push_back(parameter.layer);
  return layers;
}

// llama/untied has two layers: -1 and 2 are what comes before and after them.
TEST(WeightSupply, GivesMemoryToWhatIsUsed) {
  const auto model = load("llama/untied", kKept);
  using Layers = std::vector<std::int64_t>;
  EXPECT_EQ(layers_there(*model), Layers());
  model->supply()->lend([&] { EXPECT_EQ(layers_there(*model), (Layers{-1, 0, 1, 2})); });
  model->supply()->lend_whole(false);
  model->supply()->lend([&] {
    const at::NoGradGuard no_grad;
    EXPECT_EQ(layers_there(*model), (Layers{-1, 2}));
    model->forward(batch());
    EXPECT_EQ(layers_there(*model), (Layers{-1, 2}));
  });
  EXPECT_EQ(layers_there(*model), Layers());
  std::vector<Layers> seen;
  model->supply()->begin_training([&](std::int64_t) { seen.push_back(layers_there(*model)); });
  const at::Tensor hidden = model->forward(batch());
  EXPECT_EQ(layers_there(*model), (Layers{-1, 1, 2})) << "the last layer is the first in the backward pass";
  hidden.sum().backward();
  EXPECT_EQ(seen, (std::vector<Layers>{{-1, 1, 2}, {-1, 0, 2}}));
  EXPECT_EQ(layers_there(*model), (Layers{-1, 2}));
  model->supply()->end_training();
  EXPECT_EQ(layers_there(*model), Layers());
}

TEST(WeightSupply, TakesBackWhatWasLentAfterAnException) {
  const auto model = load("llama/untied", kKept);
  EXPECT_THROW(model->supply()->lend([] { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_TRUE(layers_there(*model).empty());
  EXPECT_THROW(model->forward(batch()), std::logic_error);
}

TEST(WeightSupply, RefusesPassesForWhichNothingWasLent) {
  const auto model = load("llama/untied", kKept);
  WeightSupply& supply = *model->supply();
  EXPECT_THROW(model->forward(batch()), std::logic_error);
  supply.lend([&] { EXPECT_THROW(supply.begin_training(nullptr), std::logic_error); });
  supply.begin_training(nullptr);
  EXPECT_THROW(supply.lend([] {}), std::logic_error);
  EXPECT_THROW(WeightSupply(WeightKeeping{.rank = 2, .size = 2}), ArgumentError);
  EXPECT_THROW(WeightSupply(WeightKeeping{.rank = 1, .size = 2}), ArgumentError) << "without a way to gather";
}

}  // namespace
}  // namespace rlhf
