#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/read_file.h"
#include "rlhf/nn/model_folder.h"

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

ordered_json read_json(const fs::path& path) { return ordered_json::parse(std::ifstream(path)); }
std::vector<std::string> keys_of(const ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(SaveModel, LoadsEqualAndKeepsWhatItDoesNotKnow) {
  const TemporaryFolder temp;
  const fs::path source = temp.path() / "source", saved = temp.path() / "saved";
  fs::copy(golden("llama/tied"), source, fs::copy_options::recursive);
  ordered_json config = read_json(source / "config.json");
  config["zebra"] = {{"kept", true}};
  std::ofstream(source / "config.json") << config.dump();
  std::ofstream(source / "tokenizer.model") << "bytes";

  const ModelFolder folder = read_model_folder(source);
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  save_causal_lm(folder, named_values(model->parameters()),
                 {.dtype = at::kFloat,
                  .prompt_template = "{prompt}\n{completion}",
                  .tokenizer_files = read_side_files({source / "tokenizer.model"})},
                 saved);

  EXPECT_EQ(read_json(saved / "config.json"), config);
  EXPECT_EQ(keys_of(read_json(saved / "config.json")), keys_of(config));
  EXPECT_TRUE(fs::exists(saved / "tokenizer.model"));
  EXPECT_EQ(read_json(saved / "generation_config.json"), read_json(source / "generation_config.json"));
  const ModelFolder again = read_model_folder(saved);
  EXPECT_EQ(again.prompt_template, "{prompt}\n{completion}");
  const auto loaded = load_causal_lm(again, at::kCPU, at::kFloat, false);
  for (std::size_t i = 0; i < model->parameters().size(); ++i) {
    EXPECT_EQ(largest_difference(loaded->parameters()[i].value, model->parameters()[i].value), 0.0);
  }
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder may change, or vanish, while a run trains.
TEST(SaveModel, WritesTheFilesThatWereReadWhenTheSourceIsGone) {
  const TemporaryFolder temp;
  const fs::path source = temp.path() / "source", saved = temp.path() / "saved";
  fs::copy(golden("llama/tied"), source, fs::copy_options::recursive);
  fs::create_directories(source / "additional_chat_templates");
  std::ofstream(source / "spm.model") << std::string("a\0b", 3);
  std::ofstream(source / "additional_chat_templates/tool.jinja") << "{{ tools }}";
  const std::string generation = content_of(source / "generation_config.json");
  ASSERT_NE(generation, "");

  const ModelFolder folder = read_model_folder(source);
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  const SideFiles files = read_side_files({source / "spm.model", source / "additional_chat_templates/tool.jinja"});
  fs::remove_all(source);
  save_causal_lm(folder, named_values(model->parameters()), {.tokenizer_files = files}, saved);

  EXPECT_EQ(content_of(saved / "generation_config.json"), generation);
  EXPECT_EQ(content_of(saved / "tokenizer.model"), std::string("a\0b", 3));
  EXPECT_EQ(content_of(saved / "additional_chat_templates/tool.jinja"), "{{ tools }}");
}

TEST(SaveModel, RefusesSideFilesThatAreNoRegularFilesOrTooLarge) {
  const TemporaryFolder temp;
  const fs::path large = temp.path() / "tokenizer.json";
  std::ofstream(large) << "{}";
  fs::resize_file(large, kMaxModelFileBytes + 1);  // sparse
  testing::expect_error([&] { read_side_files({large}); }, ExitCode::model,
                        {large.string(), "expected at most 100663296 bytes, found 100663297"});
  testing::expect_error([&] { read_side_files({temp.path()}); }, ExitCode::model, {"expected a regular file"});
  testing::expect_error([&] { read_side_files({"/dev/zero"}); }, ExitCode::model, {"expected a regular file"});
  testing::expect_error([&] { read_side_files({temp.path() / "no"}); }, ExitCode::model, {"No such file"});
}

TEST(SaveModel, PatchesTheDtypeInTheSpellingOfTheSource) {
  const TemporaryFolder temp;
  for (const auto& [name, key, absent] :
       {std::tuple{"untied", "torch_dtype", "dtype"}, std::tuple{"tied", "dtype", "torch_dtype"}}) {
    const ModelFolder folder = read_model_folder(golden("llama/" + std::string(name)));
    const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
    save_causal_lm(folder, named_values(model->parameters()), {.dtype = at::kBFloat16}, temp.path() / name);
    const ordered_json config = read_json(temp.path() / name / "config.json");
    EXPECT_EQ(config.value(key, ""), "bfloat16");
    EXPECT_FALSE(config.contains(absent));
    EXPECT_EQ(read_model_folder(temp.path() / name).file_dtype, at::kBFloat16);
  }
}

TEST(SaveModel, ScalarFolderCarriesHeadMeanAndPadId) {
  const TemporaryFolder temp;
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  ScalarModel model = load_scalar_model(folder, at::kCPU, at::kFloat, false, 5);
  save_scalar_model(folder, named_values(model.parameters()), 0.25, {.pad_id = 0}, temp.path() / "rm");
  const ordered_json config = read_json(temp.path() / "rm" / "config.json");
  EXPECT_EQ(config["architectures"], ordered_json::array({"LlamaForSequenceClassification"}));
  EXPECT_EQ(config["id2label"].size(), 1U);
  EXPECT_EQ(config["pad_token_id"], 0);
  const ModelFolder again = read_model_folder(temp.path() / "rm");
  EXPECT_TRUE(again.scalar_head);
  EXPECT_EQ(again.reward_mean, 0.25);
  const ScalarModel loaded = load_scalar_model(again, at::kCPU, at::kFloat, false);
  EXPECT_EQ(loaded.reward_mean(), 0.25);
  EXPECT_EQ(largest_difference(loaded.score(), model.score()), 0.0);
}

// The tokenizer may have come from another folder than the model.
TEST(SaveModel, NamesTheEosThatItsTextsEndWith) {
  const TemporaryFolder temp;
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  const auto eos_of = [&](std::int32_t eos, const std::string& name) {
    save_causal_lm(folder, named_values(model->parameters()), {.stop_ids = {eos}}, temp.path() / name);
    return read_json(temp.path() / name / "config.json").value("eos_token_id", ordered_json());
  };
  ASSERT_FALSE(folder.eos_ids.empty());
  const ordered_json own = ordered_json::parse(folder.config_json).value("eos_token_id", ordered_json());
  EXPECT_EQ(eos_of(folder.eos_ids.front(), "same"), own);
  EXPECT_EQ(eos_of(17, "other"), 17);
}

TEST(SaveModel, LeavesNothingWhenAWeightIsNotFinite) {
  const TemporaryFolder temp;
  const ModelFolder folder = read_model_folder(golden("llama/untied"));
  const auto model = load_causal_lm(folder, at::kCPU, at::kFloat, false);
  model->parameters()[3].value.fill_(std::numeric_limits<float>::infinity());
  testing::expect_error([&] { save_causal_lm(folder, named_values(model->parameters()), {}, temp.path() / "out"); },
                        ExitCode::numerics, {model->parameters()[3].name});
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(SaveModel, TransformersLoadsItWithEqualLogitsAndScores) {
  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with transformers";
  const at::NoGradGuard no_grad;
  const TemporaryFolder temp;
  const PackedBatch batch = pack(std::vector<TokenIds>{{1, 4, 9, 16}, {1, 8}, {5, 6, 7, 8, 9, 10, 11}}, at::kCPU);
  const auto by_transformers = [&](const fs::path& folder) {
    testing::TransformersRun run(python, batch, temp.path());
    run.add(folder);
    return run.outputs().front();
  };
  // A trunk whose config.json asks for a head of its own: it gets a new one.
  fs::copy(golden("llama/tied"), temp.path() / "trunk", fs::copy_options::recursive);
  ordered_json trunk = read_json(temp.path() / "trunk/config.json");
  trunk["tie_word_embeddings"] = false;
  trunk["architectures"] = {"LlamaModel"};
  std::ofstream(temp.path() / "trunk/config.json") << trunk.dump();
  const std::vector<ModelFolder> sources = {read_model_folder(temp.path() / "trunk"),
                                            describe_new_model({.hidden_size = 24,
                                                                .num_attention_heads = 2,
                                                                .num_key_value_heads = 1,
                                                                .rope_theta = 50.0,
                                                                .initializer_range = 0.3,
                                                                .tie_word_embeddings = false},
                                                               96, 1, 2),
                                            read_model_folder(golden("llama/tied")),
                                            read_model_folder(golden("llama/scalar"))};
  for (const ModelFolder& source : sources) {
    const fs::path causal = temp.path() / "causal", scalar = temp.path() / "scalar";
    if (!source.scalar_head) {
      const auto model = load_causal_lm(source, at::kCPU, at::kFloat, false, 1, /*allow_missing_head=*/true);
      save_causal_lm(source, named_values(model->parameters()), {}, causal);
      EXPECT_LT(relative_difference(at::linear(model->forward(batch), model->head()), by_transformers(causal)), 1e-5);
    }
    ScalarModel model = load_scalar_model(source, at::kCPU, at::kFloat, false, 1);
    save_scalar_model(source, named_values(model.parameters()), 0.5, {.pad_id = 0}, scalar);
    EXPECT_LT(relative_difference(model.scores(batch), by_transformers(scalar)), 1e-5);
  }
}

}  // namespace
}  // namespace rlhf
