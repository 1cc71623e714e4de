// What is in the place of a model folder gets one line that names it and the way out.
#include "rlhf/io/foreign_folder.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

/// The text with the folder's own path as DIR.
std::string in_dir(std::string text, const TemporaryFolder& folder) {
  const std::string path = folder.path().string();
  for (std::size_t at; (at = text.find(path)) != std::string::npos;) text.replace(at, path.size(), "DIR");
  return text;
}

struct Case {
  std::vector<std::string> files;  ///< empty files
  std::string found;
};

TEST(ForeignFolder, WithoutConfigIsNamedByItsFiles) {
  const std::vector<Case> cases = {
      {{}, "an empty folder"},
      {{"readme.md"}, "none in it"},
      {{"model-q4_k_m.gguf"},
       "a GGUF file (model-q4_k_m.gguf), the format of llama.cpp; hint: use the Hugging Face folder that it was made "
       "from, with config.json and model.safetensors"},
      {{"run.json", "final/config.json"}, "the folder of a run; hint: its model is DIR/final"},
      {{"run.json", "best/config.json"}, "the folder of a run; hint: its model is DIR/best"},
      {{"run.json", "checkpoints/step-000001/state.json"},
       "the folder of a run that has not finished; hint: continue it with --resume"},
      {{"state.json", "manifest.json", "policy.safetensors"},
       "a checkpoint of a run (masters and moments, for --resume); hint: use the run's final/ or best/"},
      {{"refs/main", "snapshots/c0ffee/config.json"},
       "an entry of the cache of huggingface_hub; hint: its model is DIR/snapshots/c0ffee"},
      {{"refs/main", "snapshots/c0ffee/readme.md"},
       "an entry of the cache of huggingface_hub without a complete snapshot; hint: download it again"},
      {{"llama/config.json", "readme.md"}, "none in it; hint: the model is DIR/llama"},
      {{"b/config.json", "a/config.json"}, "none in it; hint: models are below it, such as DIR/a"},
      {{"model.onnx"}, "an ONNX model (model.onnx); hint: use the Hugging Face folder that it was exported from"},
      {{"params.json", "consolidated.00.pth"},
       "a model in the original format of Meta or Mistral (params.json); hint: use the folder of the same model whose "
       "name ends in -hf or that has config.json"},
      {{"zero_to_fp32.py", "latest"},
       "a checkpoint in shards of DeepSpeed or FSDP; hint: convert it to a Hugging Face folder with the script of its "
       "trainer (zero_to_fp32.py, accelerate merge-weights)"},
  };
  for (const Case& item : cases) {
    const TemporaryFolder folder;
    for (const std::string& file : item.files) folder.write(file, "");
    EXPECT_EQ(in_dir(describe_foreign_folder(folder.path()), folder), item.found);
  }
}

TEST(ForeignFolder, OfAnAdapterNamesItsBase) {
  const TemporaryFolder folder;
  folder.write("adapter_config.json", R"({"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen2.5-0.5B"})");
  folder.write("adapter_model.safetensors", "");
  const std::string found =
      "a LORA adapter (adapter_config.json) of the base model Qwen/Qwen2.5-0.5B; hint: merge it into its base with "
      "rlhf-merge";
  EXPECT_EQ(describe_foreign_folder(folder.path()), found);
  EXPECT_EQ(describe_foreign_weights(folder.path()), found);
  folder.write("adapter_config.json", "{");
  EXPECT_TRUE(describe_foreign_folder(folder.path())
                  .starts_with("a PEFT adapter (adapter_config.json) of the base model that it does not name"));
}

TEST(ForeignFolder, ThatIsAFileIsNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(describe_foreign_folder(folder.write("alone", "")), "a file");
  EXPECT_TRUE(describe_foreign_folder(folder.write("m.gguf", "GGUF")).starts_with("a GGUF file (m.gguf)"));
  folder.write("config.json", "{}");
  EXPECT_EQ(in_dir(describe_foreign_folder(folder.write("model.safetensors", "")), folder),
            "a file; hint: use its folder DIR");
  fs::create_symlink("nothing", folder / "link");
  EXPECT_EQ(describe_foreign_folder(folder / "link"), "a link that leads nowhere");
}

TEST(ForeignFolder, ThatIsAnIdSaysWhereTheCacheWasLookedAt) {
  const TemporaryFolder cache;
  setenv("HF_HUB_CACHE", cache.path().c_str(), /*overwrite=*/1);
  EXPECT_EQ(
      in_dir(describe_foreign_folder("org/name"), cache),
      "neither such a folder nor a model of that id in the local cache (DIR/models--org--name, with refs/main and "
      "snapshots/); hint: download it with `hf download org/name`");
  cache.write("models--org--name/refs/main", "c0ffee");
  EXPECT_EQ(
      in_dir(describe_foreign_folder("org/name"), cache),
      "no such folder, and in the local cache no complete snapshot of that model (DIR/models--org--name: refs/main "
      "names a folder in snapshots/); hint: download it with `hf download org/name`");
  unsetenv("HF_HUB_CACHE");
  EXPECT_EQ(describe_foreign_folder("/no/such/folder"), "no such folder");
}

TEST(ForeignWeights, AreNamedByTheirFiles) {
  const std::string pickled =
      "), which can execute code and are not supported; hint: convert them with python -c \"from transformers import "
      "AutoModelForCausalLM as M; M.from_pretrained('IN').save_pretrained('OUT')\" and copy the tokenizer's files";
  const std::vector<Case> cases = {
      {{}, "no weights"},
      {{"training_args.bin"}, "no weights"},
      {{"pytorch_model.bin"}, "pickled weights (pytorch_model.bin" + pickled},
      {{"pytorch_model-00001-of-00002.bin"}, "pickled weights (pytorch_model-00001-of-00002.bin" + pickled},
      {{"onnx/model.onnx"}, "an ONNX model (onnx); hint: use the Hugging Face folder that it was exported from"},
      {{"tf_model.h5"},
       "weights of TensorFlow or Flax (tf_model.h5); hint: load them in transformers 4 with from_tf=True or "
       "from_flax=True, and save them with save_pretrained"},
      {{"model-00001-of-00002.safetensors"},
       "shards (model-00001-of-00002.safetensors) without model.safetensors.index.json, which lists them; hint: "
       "download it"},
      {{"consolidated.safetensors"}, "only consolidated.safetensors"},
  };
  for (const Case& item : cases) {
    const TemporaryFolder folder;
    folder.write("config.json", "{}");
    for (const std::string& file : item.files) folder.write(file, "");
    EXPECT_EQ(describe_foreign_weights(folder.path()), item.found);
  }
}

TEST(ForeignWeights, OfGitLfsAreRecognised) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_lfs_pointer(folder.write("pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")));
  EXPECT_FALSE(is_lfs_pointer(folder.write("text", "version 2")));
  EXPECT_FALSE(is_lfs_pointer(folder / "none"));
}

}  // namespace
}  // namespace rlhf
