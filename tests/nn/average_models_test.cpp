#include "rlhf/nn/average_models.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/nn/model_folder.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::golden;
using testing::TemporaryFolder;

/// A reward model in which all weights have this value.
fs::path constant_model(const fs::path& path, double value, double mean, at::ScalarType dtype = at::kFloat) {
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  ScalarModel model = load_scalar_model(folder, at::kCPU, at::kFloat, false, 5);
  for (const Parameter& parameter : model.parameters()) parameter.value.fill_(value);
  save_scalar_model(folder, named_values(model.parameters()), mean, {.dtype = dtype, .pad_id = 0}, path);
  return path;
}

std::vector<float> values_in(const fs::path& folder) {
  std::vector<float> values;
  const SafetensorsFile file(folder / "model.safetensors");
  for (const auto& [name, entry] : file.entries()) {
    const at::Tensor tensor = file.tensor(name).to(at::kFloat);
    values.push_back(tensor.min().item<float>());
    values.push_back(tensor.max().item<float>());
  }
  return values;
}

TEST(AverageModels, HaveTheMeanOfWeightsAndRewardMeans) {
  const TemporaryFolder temp;
  const fs::path a = constant_model(temp / "a", 1, 0.5), b = constant_model(temp / "b", 2, -1),
                 c = constant_model(temp / "c", 6, 2);
  std::ofstream(a / "tokenizer.json") << "{}";
  keep_reward_temperature(a, 1.5);
  average_models({a, b, c}, temp / "mean");
  for (const float value : values_in(temp / "mean")) EXPECT_EQ(value, 3);
  const ModelFolder folder = read_model_folder(temp / "mean");
  EXPECT_TRUE(folder.scalar_head);
  EXPECT_EQ(folder.reward_mean, 0.5);
  EXPECT_FALSE(folder.reward_temperature) << "it was fitted to another model";
  EXPECT_TRUE(fs::exists(temp / "mean/tokenizer.json"));
  load_scalar_model(folder, at::kCPU, at::kFloat, false);
}

// In bfloat16 1 + 1/128 is a number and the mean of it and 1 is not: the sum is exact, and only the result is rounded.
TEST(AverageModels, RoundOnceToTheDtypeOfTheFirst) {
  const TemporaryFolder temp;
  const fs::path a = constant_model(temp / "a", 1, 0, at::kBFloat16), b = constant_model(temp / "b", 1.0078125, 0);
  const fs::path c = constant_model(temp / "c", 1.0078125, 0);
  average_models({a, b, c}, temp / "mean");
  EXPECT_EQ(SafetensorsFile(temp / "mean/model.safetensors").entries().begin()->second.dtype, at::kBFloat16);
  for (const float value : values_in(temp / "mean")) EXPECT_EQ(value, 1.0078125F) << "nearer than 1";
}

// The means of 1, 2 and 6 are 3: the last is as far from it as it is long.
TEST(AverageModels, SayHowFarTheModelsAreFromTheMean) {
  const TemporaryFolder temp;
  const fs::path a = constant_model(temp / "a", 1, 0), b = constant_model(temp / "b", 2, 0),
                 c = constant_model(temp / "c", 6, 0), zero = constant_model(temp / "zero", 0, 0);
  EXPECT_DOUBLE_EQ(average_models({a, b, c}, temp / "abc"), 1);
  EXPECT_DOUBLE_EQ(average_models({a, b}, temp / "ab"), 1.0 / 3);
  EXPECT_EQ(average_models({a, a}, temp / "aa"), 0);
  EXPECT_EQ(average_models({zero, zero}, temp / "zeros"), 0);
}

/// Sets a key of a JSON file.
void set_key(const fs::path& file, const std::string& key, const nlohmann::json& value) {
  auto json = fs::exists(file) ? nlohmann::json::parse(std::ifstream(file)) : nlohmann::json::object();
  json[key] = value;
  std::ofstream(file) << json;
}

TEST(AverageModelsMisuse, MustComputeTheSameWithTheirWeights) {
  const TemporaryFolder temp;
  const fs::path a = constant_model(temp / "a", 1, 0), b = constant_model(temp / "b", 2, 0),
                 c = constant_model(temp / "c", 2, 0), d = constant_model(temp / "d", 2, 0);
  set_key(b / "config.json", "rope_theta", 5e5);
  set_key(c / "config.json", "new_key", true);
  set_key(d / "rlhf.json", "prompt_template", "Q: {prompt}");
  const auto expect_refused = [&](const fs::path& other, const std::vector<std::string>& parts) {
    expect_error([&] { average_models({a, other}, temp / "mean"); }, ExitCode::model, parts);
  };
  expect_refused(b,
                 {(b / "config.json").string() + ": rope_theta: expected ", ", as in the first model, found 500000"});
  expect_refused(c, {"new_key: expected null, as in the first model, found true"});
  expect_refused(d, {(d / "rlhf.json").string(), "prompt_template: expected null, as in the first model, found \"Q: "});
  for (const char* const key : {"torch_dtype", "transformers_version", "_name_or_path", "use_cache"})
    set_key(a / "config.json", key, "float16");
  EXPECT_NO_THROW(average_models({a, constant_model(temp / "e", 2, 0)}, temp / "mean"));
}

TEST(AverageModelsMisuse, NeedsModelsOfOneKindAndANewFolder) {
  const TemporaryFolder temp;
  const fs::path a = constant_model(temp / "a", 1, 0);
  expect_error([&] { average_models({a}, temp / "mean"); }, ExitCode::shape, {"folders", "at least 2", "1"});
  expect_error(
      [&] {
        average_models({a, golden("llama/untied")}, temp / "mean");
      },
      ExitCode::model, {"lm_head.weight", "expected no such tensor, as in the first model, found one"});
  expect_error(
      [&] {
        average_models({golden("llama/untied"), a}, temp / "mean");
      },
      ExitCode::model,
      {temp.path().string(), "score.weight", "expected no such tensor, as in the first model, found one"});
  expect_error(
      [&] {
        average_models({a, a}, a);
      },
      ExitCode::output, {"expected a new folder, found one that is there"});
  EXPECT_FALSE(fs::exists(temp / "mean"));
}

}  // namespace
}  // namespace rlhf
