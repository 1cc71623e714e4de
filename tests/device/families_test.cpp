// Every family of models on the accelerator of this machine: logits, loss and gradients of transformers, and greedy
// tokens of the CPU.
#include <string>
#include <vector>

#include <ATen/ops/linear.h>
#include <gtest/gtest.h>

#include "rlhf/nn/causal_lm.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/generator.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn/family_goldens.h"
#include "pretend_device.h"

namespace rlhf {
namespace {

using testing::kLengths;
using testing::pack_cut;
using testing::relative_difference;

/// The rows that predict a token of their own sequence.
std::vector<std::int64_t> predictors(const Segments& segments) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < segments.count(); ++i)
    for (std::int64_t row = segments.offsets[i]; row + 1 < segments.offsets[i + 1]; ++row) rows.push_back(row);
  return rows;
}

class FamiliesOnDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    device_ = testing::test_accelerator();
    folder_ = read_model_folder(testing::golden("families/" + GetParam()));
  }
  SafetensorsFile expected() const {
    return SafetensorsFile(testing::golden("families/" + GetParam() + ".safetensors"));
  }

  at::Device device_ = at::kCPU;
  ModelFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(All, FamiliesOnDevice, ::testing::ValuesIn(testing::kFamilies),
                         [](const auto& family) { return family.param; });

TEST_P(FamiliesOnDevice, LogitsLossAndGradientsEqualTransformers) {
  const SafetensorsFile golden = expected();
  const auto model = load_causal_lm(folder_, device_, at::kFloat, /*requires_grad=*/true);
  const PackedBatch batch = pack_cut(golden.tensor("tokens"), kLengths, device_);
  const at::Tensor logits = soft_cap(at::linear(model->forward(batch), model->head()), model->logit_cap());
  EXPECT_LT(relative_difference(logits.cpu(), golden.tensor("logits")), 1e-4);

  const at::Tensor rows = to_device(predictors(batch.segments), device_);
  const auto mean = [count = rows.size(0)](const at::Tensor& logprobs, auto, auto) {
    return logprobs.sum().div(-static_cast<double>(count));
  };
  backward_through_logprobs(model->forward(batch, rows), model->head(), batch.tokens.index_select(0, rows.add(1)),
                            {.logit_cap = model->logit_cap()}, mean);
  for (const Parameter& parameter : model->parameters())
    for (const auto& [name, gradient] : split_parts(parameter, parameter.value.grad())) {
      const at::Tensor wanted = golden.tensor("grad." + name);
      if (wanted.norm().item<double>() < 1e-6) continue;  // zero but for rounding: it has no direction
      EXPECT_LT(relative_difference(gradient.cpu(), wanted), 1e-4) << name;
    }
}

TEST_P(FamiliesOnDevice, Bfloat16IsNearTransformers) {
  const SafetensorsFile golden = expected();
  const auto model = load_causal_lm(folder_, device_, at::kBFloat16, /*requires_grad=*/false);
  const PackedBatch batch = pack_cut(golden.tensor("tokens"), kLengths, device_);
  const at::Tensor logits = soft_cap(at::linear(model->forward(batch), model->head()), model->logit_cap());
  EXPECT_LT(relative_difference(logits.cpu(), golden.tensor("logits")), 5e-2);
}

TEST_P(FamiliesOnDevice, GreedyTokensAreTheCpus) {
  const std::vector<TokenIds> prompts = testing::cut(expected().tensor("tokens"), kLengths);
  const auto answers = [&](at::Device device) {
    const auto model = load_causal_lm(folder_, device, at::kFloat, /*requires_grad=*/false);
    std::vector<GenerationRequest> requests;
    for (const TokenIds& prompt : prompts) requests.push_back({&prompt, requests.size()});
    std::vector<TokenIds> tokens;
    for (const Generation& answer : generate(*model, requests, {.max_new_tokens = 8, .temperature = 0}, 3))
      tokens.push_back(answer.tokens);
    return tokens;
  };
  EXPECT_EQ(answers(device_), answers(at::kCPU));
}

}  // namespace
}  // namespace rlhf
