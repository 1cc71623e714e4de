#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn_testing.h"
#include "support/shared_data.h"
#include "support/source_dir.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

TEST(Stories260k, GreedyContinuationEqualsTransformersTokenForToken) {
  const fs::path source = testing::shared_data() / "models" / "stories260k";
  if (!fs::exists(source / "stories260K.bin"))
    GTEST_SKIP() << "no stories260K.bin in " << source << " (RLHF_SHARED_DATA)";
  const at::NoGradGuard no_grad;
  const testing::TemporaryFolder temp;
  const fs::path folder = temp.path() / "hf";
  const std::string command = "python3 " + testing::source_dir() + "/../scripts/convert_llama2c.py " +
                              (source / "stories260K.bin").string() + " " + (source / "tokenizer.model").string() +
                              " " + folder.string() + " > /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const auto golden = nlohmann::json::parse(std::ifstream(testing::golden("stories260k/stories260k.json")));
  const auto expected = golden["greedy_ids"].get<std::vector<std::int64_t>>();

  const auto model = load_causal_lm(read_model_folder(folder), at::kCPU, at::kFloat, false);
  const ModelShape& shape = model->shape();
  KvCache cache(shape.num_layers, 1, shape.num_key_value_heads, 65, shape.head_dim, at::TensorOptions(at::kFloat));
  at::Tensor hidden = model->forward(pack(std::vector<TokenIds>{{1}}, at::kCPU), {}, &cache);
  const at::Tensor first = at::linear(hidden, model->head())[0];
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(first[i].item<double>(), golden["first_logits"][i].get<double>(), 1e-4);

  std::vector<std::int64_t> ids;
  while (ids.size() < expected.size()) {
    ids.push_back(at::linear(hidden, model->head()).argmax(-1).item<std::int64_t>());
    hidden = model->decode(to_device(std::vector<std::int64_t>{ids.back()}, at::kCPU), cache);
  }
  EXPECT_EQ(ids, expected);

  TokenIds text = {1};
  text.insert(text.end(), ids.begin(), ids.begin() + 31);
  const PackedBatch batch = pack(std::vector<TokenIds>{text}, at::kCPU);
  const at::Tensor logprobs =
      linear_logprobs(model->forward(batch).narrow(0, 0, 31), model->head(), batch.tokens.narrow(0, 1, 31)).logprobs;
  EXPECT_NEAR(-logprobs.mean().item<double>(), golden["mean_nll_of_first_31"].get<double>(), 1e-5);
}

}  // namespace
}  // namespace rlhf
