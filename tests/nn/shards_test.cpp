#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/nn/model_folder.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::golden;
using testing::largest_difference;
using testing::pack_cut;
using testing::relative_difference;
using testing::TemporaryFolder;

constexpr std::size_t kShards = 3;
using Dtypes = std::array<at::ScalarType, kShards>;

/// The tensors of a folder dealt out in turn, so that query, key and value of a layer lie in different files.
std::array<NamedTensors, kShards> deal(const fs::path& folder, const Dtypes& dtypes) {
  const SafetensorsFile whole(folder / "model.safetensors");
  std::array<NamedTensors, kShards> shards;
  std::size_t number = 0;
  for (const auto& [name, entry] : whole.entries()) {
    const std::size_t shard = number++ % kShards;
    shards[shard].emplace_back(name, whole.tensor(name).to(dtypes[shard], false, /*copy=*/true));
  }
  return shards;
}

void copy_without_weights(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  fs::copy_file(from / "config.json", to / "config.json");
}

/// The folder as `transformers` writes it where a file would grow too large.
fs::path write_shards(const fs::path& source, const Dtypes& dtypes, const fs::path& folder) {
  copy_without_weights(source, folder);
  ordered_json map;
  std::size_t number = 0;
  for (const NamedTensors& shard : deal(source, dtypes)) {
    const std::string file = "model-0000" + std::to_string(++number) + "-of-00003.safetensors";
    for (const auto& [name, tensor] : shard) map[name] = file;
    write_safetensors(folder / file, shard, {{"format", "pt"}});
  }
  std::ofstream(folder / "model.safetensors.index.json")
      << ordered_json{{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
  return folder;
}

/// The same numbers in one file of float32.
fs::path write_single(const fs::path& source, const Dtypes& dtypes, const fs::path& folder) {
  copy_without_weights(source, folder);
  NamedTensors tensors;
  for (const NamedTensors& shard : deal(source, dtypes)) {
    for (const auto& [name, tensor] : shard) tensors.emplace_back(name, tensor.to(at::kFloat));
  }
  write_safetensors(folder / "model.safetensors", tensors);
  return folder;
}

class Shards : public ::testing::TestWithParam<std::string> {
 protected:
  fs::path source() const { return golden("families/" + GetParam()); }
  at::Tensor logits(const fs::path& folder, at::ScalarType dtype) const {
    const at::NoGradGuard no_grad;
    const auto model = load_causal_lm(read_model_folder(folder), at::kCPU, dtype, /*requires_grad=*/true);
    return at::linear(model->forward(pack_cut(expected_.tensor("tokens"), {11, 6, 1, 6})), model->head());
  }

  TemporaryFolder temp_;
  SafetensorsFile expected_{golden("families/" + GetParam() + ".safetensors")};
};

TEST_P(Shards, GiveTheLogitsOfTheOneFile) {
  const Dtypes wide = {at::kFloat, at::kFloat, at::kFloat};
  const at::Tensor sharded = logits(write_shards(source(), wide, temp_.path() / "shards"), at::kFloat);
  EXPECT_EQ(largest_difference(sharded, logits(source(), at::kFloat)), 0.0);
  EXPECT_LT(relative_difference(sharded, expected_.tensor("logits")), 1e-5);
}

TEST_P(Shards, OfSeveralDtypesGiveTheLogitsOfTheirNumbers) {
  const Dtypes mixed = {at::kBFloat16, at::kFloat, at::kHalf};
  const fs::path shards = write_shards(source(), mixed, temp_.path() / "shards"),
                 single = write_single(source(), mixed, temp_.path() / "single");
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    EXPECT_EQ(largest_difference(logits(shards, dtype), logits(single, dtype)), 0.0) << dtype;
  }
  EXPECT_LT(relative_difference(logits(shards, at::kFloat), expected_.tensor("logits")), 5e-2);
  EXPECT_GT(relative_difference(logits(shards, at::kFloat), expected_.tensor("logits")), 1e-5);  // it was rounded
}

INSTANTIATE_TEST_SUITE_P(Families, Shards, ::testing::Values("llama3", "phi3", "gpt2", "gpt_neox", "opt"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace rlhf
