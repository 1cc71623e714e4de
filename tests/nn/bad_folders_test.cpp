// What a broken or hostile model folder gets: one line with the place, what was expected and what was found.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spoilt_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::kIndex;
using Folder = testing::SpoiltFolder;

std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

struct BadText {
  const char* name;
  std::string bytes;
  const char* expected;
};
const std::vector<BadText> kBadJson = {
    {"empty", "",
     "byte 1: expected JSON, found broken JSON (unexpected end of input; expected '[', '{', or a literal)"},
    {"white space", " \n ",
     "byte 4: expected JSON, found broken JSON (unexpected end of input; expected '[', '{', or a literal)"},
    {"a list", "[]", "expected a JSON object, found []"},
    {"null", "null", "expected a JSON object, found null"},
    {"a number", "7", "expected a JSON object, found 7"},
    {"a text", "\"llama\\nmistral\"", "expected a JSON object, found \"llama\\nmistral\""},
    {"unfinished", "{\"model_type\": ",
     "byte 16: expected JSON, found broken JSON (unexpected end of input; expected '[', '{', or a literal)"},
    {"cut in a string", "{\"model_type\": \"lla",
     "byte 20: expected JSON, found broken JSON (invalid string: missing closing quote)"},
    {"two objects", "{}{}", "byte 3: expected JSON, found broken JSON (unexpected '{'; expected end of input)"},
    {"a comma too many", "{\"a\": 1,}",
     "byte 9: expected JSON, found broken JSON (unexpected '}'; expected string literal)"},
    {"a comment", "{} // none", "byte 4: expected JSON, found broken JSON (invalid literal)"},
    {"a literal of Python", "{\"a\": NaN}", "byte 7: expected JSON, found broken JSON (invalid literal)"},
    {"not UTF-8", "{\"a\": \"\xff\"}",
     "byte 8: expected UTF-8, found 0xFF; hint: iconv -t UTF-8 converts other encodings"},
    {"half a surrogate", R"({"a": "\ud800"})",
     "byte 14: expected JSON, found broken JSON (invalid string: surrogate U+D800..U+DBFF must be followed by "
     "U+DC00..U+DFFF)"},
    {"NUL and more", std::string("{}\0{", 4), "byte 3: expected text without NUL, found NUL"},
    {"a key twice", R"({"vocab_size": 96, "vocab_size": 97})", "expected unique keys, found \"vocab_size\" twice"},
    {"a number beyond all", "{\"a\": 1e999}", "expected a number that a double holds, found \"1e999\""},
    {"10,000 lists in each other", "{\"a\": " + nested(10'000, "[", "]") + "}",
     "expected at most 16 levels of nesting, found more"},
    {"10,000 objects in each other", nested(10'000, "{\"a\":", "}"),
     "expected at most 16 levels of nesting, found more"},
    {"a million lists that never close", "{\"a\": " + std::string(1'000'000, '['),
     "expected at most 16 levels of nesting, found more"},
};

TEST(BadFolder, WhoseFilesAreNotJsonIsRefused) {
  for (const char* const file : {"config.json", "generation_config.json", "rlhf.json", kIndex}) {
    for (const BadText& item : kBadJson) {
      const Folder folder;
      if (file == std::string(kIndex)) folder.shard([](ordered_json&) {});
      folder.write(file, item.bytes);
      EXPECT_EQ(folder.refusal(), "DIR/" + std::string(file) + ": " + item.expected) << item.name;
    }
  }
}

TEST(BadFolder, WhoseConfigIsLargerThanAnyIsRefused) {
  const Folder folder;
  folder.write("config.json", "{\"a\": \"" + std::string(1 << 20, 'a') + "\"}");
  EXPECT_EQ(folder.refusal(), "DIR/config.json: expected at most 1048576 bytes, found 1048585");
}

struct BadPlace {
  const char* name;
  std::function<void(const fs::path&)> put;
  std::string json;  ///< what reading it as JSON says, FILE for the path
  std::string tensors;
};
const std::vector<BadPlace> kBadPlaces = {
    {"a folder", [](const fs::path& file) { fs::create_directory(file); },
     "FILE: expected a regular file, found another kind", "FILE: expected a regular file"},
    {"a pipe", [](const fs::path& file) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); },
     "FILE: expected a regular file, found another kind", "FILE: expected a regular file"},
    {"a device without end", [](const fs::path& file) { fs::create_symlink("/dev/zero", file); },
     "FILE: expected a regular file, found another kind", "FILE: expected a regular file"},
    {"a link to itself", [](const fs::path& file) { fs::create_symlink(file.filename(), file); },
     "reading FILE: Too many levels of symbolic links", "FILE: Too many levels of symbolic links"},
    {"a link to nothing", [](const fs::path& file) { fs::create_symlink("nothing", file); },
     "reading FILE: No such file or directory", "FILE: No such file or directory"},
};

std::string with_file(std::string message, const std::string& file) {
  return message.replace(message.find("FILE"), 4, "DIR/" + file);
}

TEST(BadFolder, ThatHoldsSomethingElseInAFilesPlaceIsRefused) {
  for (const BadPlace& item : kBadPlaces) {
    for (const char* const file : {"config.json", "generation_config.json", "rlhf.json", kIndex}) {
      const Folder folder;
      if (file == std::string(kIndex)) folder.shard([](ordered_json&) {});
      fs::remove(folder.path() / file);
      item.put(folder.path() / file);
      EXPECT_EQ(folder.refusal(), with_file(item.json, file)) << item.name;
    }
    const Folder folder;
    fs::remove(folder.path() / "model.safetensors");
    item.put(folder.path() / "model.safetensors");
    EXPECT_EQ(folder.refusal(), with_file(item.tensors, "model.safetensors")) << item.name;
  }
}

TEST(BadFolder, OfPickledWeightsIsRefusedWithTheLineThatConvertsThem) {
  for (const char* const name : {"pytorch_model.bin", "model.pt", "consolidated.00.pth"}) {
    const Folder folder;
    fs::rename(folder.path() / "model.safetensors", folder.path() / name);
    EXPECT_EQ(
        folder.refusal(),
        "model folder DIR: expected model.safetensors, found pickled weights (" + std::string(name) +
            "), which can execute code and are not supported; hint: convert them with python -c \"from transformers "
            "import AutoModelForCausalLM as M; M.from_pretrained('IN').save_pretrained('OUT')\" and copy the "
            "tokenizer's "
            "files");
  }
  const Folder folder;
  fs::remove(folder.path() / "model.safetensors");
  folder.write("training_args.bin", "of a trainer");
  EXPECT_EQ(folder.refusal(), "model folder DIR: expected model.safetensors, found no weights");
}

TEST(BadFolder, OfATiedModelWithAHeadOfItsOwnIsRefused) {
  const Folder folder;
  folder.set("tie_word_embeddings", true);
  EXPECT_EQ(
      folder.refusal(),
      "weights of DIR: lm_head.weight: expected the same values as model.embed_tokens.weight (tie_word_embeddings), "
      "found others; hint: set \"tie_word_embeddings\" to false to keep both");
  folder.change_tensors("model.safetensors", [](NamedTensors& tensors) {
    const auto named = [&](const char* name) {
      return std::find_if(tensors.begin(), tensors.end(), [&](const auto& one) { return one.first == name; });
    };
    named("lm_head.weight")->second = named("model.embed_tokens.weight")->second.clone();
  });
  EXPECT_EQ(folder.refusal(), "loads");
}

TEST(BadFolder, WithoutTheFilesOfOneIsRefused) {
  Folder folder;
  fs::remove(folder.path() / "model.safetensors");
  EXPECT_EQ(folder.refusal(), "model folder DIR: expected model.safetensors, found no weights");
  fs::remove(folder.path() / "config.json");
  EXPECT_EQ(folder.refusal(), "model folder DIR: expected a folder with config.json, found none in it");
  fs::remove_all(folder.path());
  EXPECT_EQ(folder.refusal(), "model folder DIR: expected a folder with config.json, found no such folder");
  std::ofstream(folder.path()) << "a file";
  EXPECT_EQ(folder.refusal(), "model folder DIR: expected a folder with config.json, found a file");
}

TEST(BadFolder, OfPointersOfGitLfsIsRefused) {
  const Folder folder;
  folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n");
  EXPECT_EQ(folder.refusal(),
            "DIR/model.safetensors: expected weights, found a pointer of Git LFS; hint: run `git lfs pull` there");
}

struct BadIndex {
  const char* name;
  std::function<void(ordered_json&)> spoil;
  std::string expected;
};
const std::string kUp = "model.layers.1.mlp.up_proj.weight";
std::function<void(ordered_json&)> file_of_up(const ordered_json& file) {
  return [file](ordered_json& index) { index["weight_map"][kUp] = file; };
}
const std::string kNoName =
    "DIR/model.safetensors.index.json: weight_map[\"" + kUp + "\"]: expected the name of a file in this folder, found ";
const std::vector<BadIndex> kBadIndices = {
    {"no map", [](ordered_json& index) { index.erase("weight_map"); },
     "DIR/model.safetensors.index.json: weight_map: expected an object of tensor names and file names, found no such "
     "key; it has \"metadata\""},
    {"a list for a map", [](ordered_json& index) { index["weight_map"] = {"a.safetensors"}; },
     "DIR/model.safetensors.index.json: weight_map: expected an object of tensor names and file names, found "
     "[\"a.safetensors\"]"},
    {"null for a map", [](ordered_json& index) { index["weight_map"] = nullptr; },
     "DIR/model.safetensors.index.json: weight_map: expected an object of tensor names and file names, found null"},
    {"an empty map", [](ordered_json& index) { index["weight_map"] = ordered_json::object(); },
     "DIR/model.safetensors.index.json: weight_map: expected an object of tensor names and file names, found {}"},
    {"a number for a file", file_of_up(1), kNoName + "1"},
    {"null for a file", file_of_up(nullptr), kNoName + "null"},
    {"a list for a file", file_of_up({"a.safetensors"}), kNoName + "[\"a.safetensors\"]"},
    {"no name", file_of_up(""), kNoName + "\"\""},
    {"the folder itself", file_of_up("."), kNoName + "\".\""},
    {"the folder above", file_of_up(".."), kNoName + "\"..\""},
    {"out of the folder", file_of_up("../a.safetensors"), kNoName + "\"../a.safetensors\""},
    {"out of the folder and back", file_of_up("../x/a.safetensors"), kNoName + "\"../x/a.safetensors\""},
    {"a folder below", file_of_up("sub/a.safetensors"), kNoName + "\"sub/a.safetensors\""},
    {"a trailing slash", file_of_up("a.safetensors/"), kNoName + "\"a.safetensors/\""},
    {"an absolute path", file_of_up("/etc/passwd"), kNoName + "\"/etc/passwd\""},
    {"a NUL in the name", file_of_up(std::string("a.safetensors\0.safetensors", 26)),
     kNoName + "\"a.safetensors\\u0000.safetensors\""},
    {"no such file", file_of_up("c.safetensors"),
     "model folder DIR: expected the 3 files that model.safetensors.index.json lists, found 2 of them (c.safetensors "
     "is "
     "missing); hint: download the model again"},
    {"a name too long for any file", file_of_up(std::string(256, 'c')), kNoName + "\"" + std::string(76, 'c') + "…"},
};

TEST(BadFolder, WhoseIndexMisleadsIsRefused) {
  for (const BadIndex& item : kBadIndices) {
    const Folder folder;
    folder.shard(item.spoil);
    EXPECT_EQ(folder.refusal(), item.expected) << item.name;
  }
}

TEST(BadFolder, WhoseShardsAreNotWhatTheIndexSaysIsRefused) {
  const Folder folder;
  folder.shard([](ordered_json&) {});
  EXPECT_EQ(folder.refusal(), "loads");
  folder.change_tensors("b.safetensors", [](NamedTensors& tensors) {
    std::erase_if(tensors, [](const auto& tensor) { return tensor.first == kUp; });
  });
  EXPECT_EQ(folder.refusal(), "weights of DIR: " + kUp + ": expected this tensor, found none");
  folder.change_tensors("a.safetensors", [](NamedTensors& tensors) { tensors.emplace_back(kUp, at::zeros({48, 32})); });
  EXPECT_EQ(folder.refusal(), "loads");  // the map names files, and the files their tensors, as in `transformers`
  folder.change_tensors("b.safetensors", [](NamedTensors& tensors) { tensors.emplace_back(kUp, at::zeros({48, 32})); });
  EXPECT_EQ(folder.refusal(), "model folder DIR: " + kUp + ": expected it in one file, found it in two");
  folder.write("b.safetensors", "");
  EXPECT_EQ(folder.refusal(), "DIR/b.safetensors: expected a safetensors file, found an empty one");
}

struct BadTensors {
  const char* name;
  std::function<void(NamedTensors&)> change;
  std::string expected;
};
std::function<void(NamedTensors&)> replace(const std::string& name, const at::Tensor& tensor) {
  return [=](NamedTensors& tensors) {
    for (auto& [known, value] : tensors) {
      if (known == name) value = tensor;
    }
  };
}
std::function<void(NamedTensors&)> rename_to(const std::string& name, const std::string& other) {
  return [=](NamedTensors& tensors) {
    for (auto& tensor : tensors) {
      if (tensor.first == name) tensor = {other, tensor.second};
    }
  };
}
std::function<void(NamedTensors&)> add(const std::string& name) {
  return [=](NamedTensors& tensors) { tensors.emplace_back(name, at::zeros({2, 3})); };
}
const std::vector<BadTensors> kBadTensors = {
    {"all missing", [](NamedTensors& tensors) { tensors.clear(); },
     "weights of DIR: model.embed_tokens.weight: expected this tensor, found none"},
    {"one renamed", rename_to("model.norm.weight", "model.final_norm.weight"),
     "weights of DIR: model.norm.weight: expected this tensor, found none"},
    {"transposed", replace("model.layers.0.mlp.up_proj.weight", at::zeros({32, 48})),
     "weights of DIR: model.layers.0.mlp.up_proj.weight: expected [48, 32] by config.json, found [32, 48]"},
    {"of another rank", replace("model.norm.weight", at::zeros({1, 32})),
     "weights of DIR: model.norm.weight: expected [32] by config.json, found [1, 32]"},
    {"a scalar", replace("model.norm.weight", at::zeros({})),
     "weights of DIR: model.norm.weight: expected [32] by config.json, found []"},
    {"empty", replace("model.norm.weight", at::zeros({0})),
     "weights of DIR: model.norm.weight: expected [32] by config.json, found [0]"},
    {"bytes", replace("model.norm.weight", at::zeros({32}, at::kByte)),
     "weights of DIR: model.norm.weight: expected float32, bfloat16 or float16, found Byte"},
    {"doubles", replace("model.norm.weight", at::zeros({32}, at::kDouble)),
     "weights of DIR: model.norm.weight: expected float32, bfloat16 or float16, found Double"},
    {"a layer more", add("model.layers.2.mlp.up_proj.weight"),
     "weights of DIR: model.layers.2.mlp.up_proj.weight: expected no such tensor by config.json, found [2, 3]"},
    {"a bias", add("model.layers.0.self_attn.q_proj.bias"),
     "weights of DIR: model.layers.0.self_attn.q_proj.bias: expected no such tensor by config.json, found [2, 3]"},
    {"a scale of quantized weights", add("model.layers.0.mlp.up_proj.weight_scale"),
     "weights of DIR: model.layers.0.mlp.up_proj.weight_scale: expected no such tensor by config.json, found [2, 3]"},
    {"an adapter", add("base_model.model.lora_A.weight"),
     "weights of DIR: base_model.model.lora_A.weight: expected no such tensor by config.json, found [2, 3]"},
    {"a line break in a name", add("a\nb"),
     "weights of DIR: \"a\\nb\": expected no such tensor by config.json, found [2, 3]"},
    {"a NUL in a name", add(std::string("model.norm.weight\0x", 19)),
     "weights of DIR: \"model.norm.weight\\u0000x\": expected no such tensor by config.json, found [2, 3]"},
    {"no name", add(""), "weights of DIR: \"\": expected no such tensor by config.json, found [2, 3]"},
    {"a long name", add(std::string(4000, 'n')),
     "weights of DIR: \"" + std::string(76, 'n') + "…: expected no such tensor by config.json, found [2, 3]"},
    {"a score", add("score.weight"),
     "weights of DIR: score.weight: expected no such tensor by config.json, found [2, 3]"},
};

TEST(BadFolder, WhoseTensorsDoNotFitItsConfigIsRefused) {
  for (const BadTensors& item : kBadTensors) {
    const Folder folder;
    folder.change_tensors("model.safetensors", item.change);
    EXPECT_EQ(folder.refusal(), item.expected) << item.name;
  }
}

// A model with a NaN would train until a step fails, with a hint about the learning rate.
TEST(BadWeights, ThatAreNotFiniteAreRefusedByTensorAndFile) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf})
    for (const float value : {NAN, INFINITY, -INFINITY}) {
      const Folder folder;
      folder.change_tensors("model.safetensors", [&](NamedTensors& tensors) {
        for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
      });
      // The writer refuses such a tensor, so its bytes are put into the file.
      const SafetensorsFile file(folder.path() / "model.safetensors");
      const auto& entry = file.entries().at("model.norm.weight");
      const at::Tensor bits = at::full({1}, value, dtype);
      std::fstream(folder.path() / "model.safetensors", std::ios::binary | std::ios::in | std::ios::out)
          .seekp(static_cast<std::streamoff>(entry.begin + 2 * bits.element_size()))
          .write(static_cast<const char*>(bits.const_data_ptr()), static_cast<std::streamsize>(bits.nbytes()));
      EXPECT_EQ(folder.refusal(),
                "reading DIR/model.safetensors: tensor model.norm.weight: expected finite numbers, found "
                "a NaN or an infinity")
          << dtype << " " << value;
    }
}

}  // namespace
}  // namespace rlhf
