// A model waits for weights that are on their way before it reads them, and not earlier.
#include "rlhf/nn/weight_gate.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/nn/model_folder.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::largest_difference;

std::unique_ptr<CausalLM> load(const std::string& name) {
  return load_causal_lm(read_model_folder(testing::golden(name)), at::kCPU, at::kFloat, /*requires_grad=*/true,
                        /*seed=*/0, /*allow_missing_head=*/true);
}

/// Takes the weights of all layers, each of which comes back when the model waits for it. Adds those to `seen`.
void send_away(CausalLM& model, std::vector<std::int64_t>& seen) {
  const at::NoGradGuard no_grad;
  std::set<std::int64_t> layers;
  for (const Parameter& parameter : model.parameters()) layers.insert(parameter.layer);
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    std::vector<std::pair<at::Tensor, at::Tensor>> away;
    for (const Parameter& parameter : model.parameters()) {
      if (parameter.layer != *layer) continue;
      away.emplace_back(parameter.value.detach(), parameter.value.detach().clone());
      away.back().first.fill_(std::numeric_limits<double>::quiet_NaN());
    }
    model.gate()->expect(*layer, [away, number = *layer, &seen] {
      seen.push_back(number);
      for (const auto& [weight, values] : away) weight.copy_(values);
    });
  }
}

class WeightGateOf : public ::testing::TestWithParam<const char*> {};

TEST_P(WeightGateOf, AModelReadsWeightsWhenTheyHaveCome) {
  const at::NoGradGuard no_grad;
  const auto model = load(GetParam());
  const PackedBatch batch = pack(std::vector<TokenIds>{{1, 5, 9, 3}, {2, 7}}, at::kCPU);
  const auto decode = [&](const std::function<void()>& between) {
    const ModelShape& shape = model->shape();
    KvCache cache(shape.num_layers, 2, shape.num_key_value_heads, 8, shape.head_dim, at::TensorOptions(at::kFloat));
    model->forward(batch, {}, &cache);
    between();
    return model->decode(at::tensor({3, 4}, at::kLong), cache).mm(model->head().t());
  };
  const at::Tensor hidden = model->forward(batch), logits = decode([] {});
  std::vector<std::int64_t> seen, again;
  send_away(*model, seen);
  EXPECT_EQ(largest_difference(model->forward(batch), hidden), 0);
  EXPECT_EQ(seen.front(), -1);
  EXPECT_TRUE(std::ranges::is_sorted(seen)) << "in the order of the pass";
  EXPECT_EQ(largest_difference(decode([&] { send_away(*model, again); }), logits), 0);
  EXPECT_EQ(again, seen);
}

INSTANTIATE_TEST_SUITE_P(Models, WeightGateOf,
                         ::testing::Values("llama/tied", "llama/untied", "families/mixtral", "families/gpt2"),
                         [](const auto& model) {
                           std::string name = model.param;
                           return name.replace(name.find('/'), 1, "_");
                         });

// A layer waits for what comes before it, in any order of calls, and each wait is made once.
TEST(WeightGate, WaitsForALayerAndWhatComesBefore) {
  WeightGate gate;
  std::vector<int> waited;
  for (const int layer : {3, -1, 1, 0, 1}) gate.expect(layer, [&waited, layer] { waited.push_back(layer); });
  gate.before_layer(-1);
  EXPECT_EQ(waited, (std::vector{-1}));
  gate.before_layer(1);
  EXPECT_EQ(waited, (std::vector{-1, 0, 1, 1}));
  gate.before_layer(2);
  EXPECT_EQ(waited.size(), 4u);
  gate.finish();
  gate.finish();
  EXPECT_EQ(waited, (std::vector{-1, 0, 1, 1, 3}));
}

}  // namespace
}  // namespace rlhf
