// A vocabulary with more ids than the files have rows: values of the new rows, and the saved folder in transformers.
#include <cstdlib>
#include <filesystem>
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
#include "run_transformers.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::golden;
using testing::largest_difference;
using testing::relative_difference;
using testing::TemporaryFolder;

const std::vector<std::string> kFolders = {"llama/tied",      "llama/untied",  "families/qwen2",
                                           "families/gemma2", "families/gpt2", "families/gpt_neox",
                                           "families/opt",    "families/phi3", "families/phi"};

ModelFolder grown(const std::string& name, std::int64_t more) {
  ModelFolder folder = read_model_folder(golden(name));
  grow_vocabulary(folder, folder.shape.vocab_size + more);
  return folder;
}

/// The old rows as they are, and the mean of them, in float64, in each new row.
void expect_mean_rows(const at::Tensor& rows, const at::Tensor& before) {
  const std::int64_t old_rows = before.size(0);
  EXPECT_EQ(largest_difference(rows.narrow(0, 0, old_rows), before), 0.0);
  const at::Tensor mean = before.to(at::kDouble).mean(0);
  for (std::int64_t row = old_rows; row < rows.size(0); ++row) EXPECT_LT(largest_difference(rows[row], mean), 1e-6);
}

TEST(GrownVocabulary, StartsWithTheMeanOfTheRows) {
  constexpr std::int64_t kMore = 3;
  for (const std::string& name : kFolders) {
    const ModelFolder source = read_model_folder(golden(name)), folder = grown(name, kMore);
    const auto before = load_causal_lm(source, at::kCPU, at::kFloat, false);
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
    EXPECT_EQ(model->shape().vocab_size, source.shape.vocab_size + kMore) << name;
    expect_mean_rows(model->parameters().front().value, before->parameters().front().value);
    expect_mean_rows(model->head(), before->head());
    const ScalarModel scalar = load_scalar_model(folder, at::kCPU, at::kFloat, false);
    EXPECT_EQ(scalar.trunk().shape().vocab_size, source.shape.vocab_size + kMore) << name;
  }
}

TEST(GrownVocabulary, UsesRowsThatAreThere) {
  ModelFolder folder = read_model_folder(golden("llama/tied"));
  const std::string config = folder.config_json;
  grow_vocabulary(folder, folder.shape.vocab_size);
  grow_vocabulary(folder, 3);
  EXPECT_EQ(folder.config_json, config);
  EXPECT_EQ(folder.stored_rows, 0);
}

TEST(GrownVocabulary, TransformersGivesTheSameLogits) {
  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers";
  const at::NoGradGuard no_grad;
  const TemporaryFolder temp;
  const PackedBatch batch = pack(std::vector<TokenIds>{{1, 4, 96, 16}, {97, 8}, {5, 6, 98}}, at::kCPU);
  testing::TransformersRun run(python, batch, temp.path());
  std::vector<at::Tensor> ours;
  for (const std::string& name : kFolders) {
    ModelFolder folder = read_model_folder(golden(name));
    grow_vocabulary(folder, 99);
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
    const fs::path saved = temp.path() / fs::path(name).filename();
    save_causal_lm(folder, named_values(model->parameters()), {}, saved);
    run.add(saved);
    ours.push_back(soft_cap(at::linear(model->forward(batch), model->head()), model->logit_cap()));
  }
  const auto theirs = run.outputs();
  for (std::size_t i = 0; i < kFolders.size(); ++i)
    EXPECT_LT(relative_difference(ours[i], theirs[i]), 1e-5) << kFolders[i];
}

/// The file's `eos_token_id`, or null if there is no such file or key.
ordered_json eos_of(const fs::path& file) {
  std::ifstream stream(file);
  return stream ? ordered_json::parse(stream).value("eos_token_id", ordered_json()) : ordered_json();
}

// `generate` of transformers takes an id or a list, from generation_config.json and otherwise from config.json.
TEST(SavedStops, AreInBothFilesIfTheyAreNotTheSources) {
  const TemporaryFolder source, out;
  fs::copy(golden("llama/untied"), source.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  std::ofstream(source.path() / "generation_config.json") << R"({"eos_token_id": 2, "temperature": 0.6, "zebra": [1]})";
  const ModelFolder folder = read_model_folder(source.path());
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  const auto save = [&](const ModelFolder& from, const TokenIds& stops, const std::string& name) {
    save_causal_lm(from, named_values(model->parameters()), {.stop_ids = stops}, out.path() / name);
    return std::pair(eos_of(out.path() / name / "config.json"), eos_of(out.path() / name / "generation_config.json"));
  };
  EXPECT_EQ(folder.eos_ids, TokenIds{2});
  EXPECT_EQ(save(folder, {2}, "same"), std::pair(ordered_json(2), ordered_json(2)));
  EXPECT_EQ(save(folder, {2, 7}, "two"), std::pair(ordered_json({2, 7}), ordered_json({2, 7})));
  EXPECT_EQ(save(folder, {7}, "other"), std::pair(ordered_json(7), ordered_json(7)));
  const auto kept = ordered_json::parse(std::ifstream(out.path() / "two/generation_config.json"));
  EXPECT_EQ(kept.at("temperature"), 0.6);
  EXPECT_EQ(kept.at("zebra"), ordered_json({1}));

  fs::remove(source.path() / "generation_config.json");
  const ModelFolder without = read_model_folder(source.path());
  EXPECT_EQ(save(without, {2}, "none").second, ordered_json()) << "no file is needed";
  EXPECT_EQ(save(without, {2, 7}, "new"), std::pair(ordered_json({2, 7}), ordered_json({2, 7})));
  EXPECT_EQ(read_model_folder(out.path() / "new").eos_ids, (TokenIds{2, 7}));
}

}  // namespace
}  // namespace rlhf
