// Recognises what is in the place of a model folder, to say what to do about it.
#include "rlhf/io/foreign_folder.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/model_path.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConvert =
    "; hint: convert them with python -c \"from transformers import AutoModelForCausalLM as M; "
    "M.from_pretrained('IN').save_pretrained('OUT')\" and copy the tokenizer's files";

/// The names of the files and folders in a folder, in order; at most some thousand.
std::set<std::string> names_in(const fs::path& folder) {
  constexpr std::size_t kMost = 4096;
  std::set<std::string> names;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    names.insert(entry->path().filename().string());
    if (names.size() == kMost) break;
  }
  return names;
}

template <typename Test>
std::optional<std::string> first(const std::set<std::string>& names, const Test& test) {
  const auto found = std::find_if(names.begin(), names.end(), test);
  return found == names.end() ? std::nullopt : std::optional(shown_name(*found));
}

std::optional<std::string> with_extension(const std::set<std::string>& names, std::string_view extension) {
  return first(names, [&](const std::string& name) { return name.ends_with(extension); });
}

/// A key of a small JSON file, or "" if it cannot be read.
std::string text_of(const fs::path& file, const char* key) try {
  const auto json = read_model_json(file);
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? shown_name(found->get<std::string>()) : "";
} catch (const Error&) {
  return "";
}

std::string describe_adapter(const fs::path& folder) {
  const fs::path config = folder / "adapter_config.json";
  const std::string base = text_of(config, "base_model_name_or_path"), kind = text_of(config, "peft_type");
  return "a " + (kind.empty() ? "PEFT" : kind) + " adapter (adapter_config.json) of the base model " +
         (base.empty() ? "that it does not name" : base) + "; hint: merge it into its base with rlhf-merge";
}

std::string describe_gguf(const std::string& name) {
  return "a GGUF file (" + name +
         "), the format of llama.cpp; hint: use the Hugging Face folder that it was made from, with config.json and "
         "model.safetensors";
}

/// Weights in other formats than safetensors.
std::optional<std::string> find_other_weights(const std::set<std::string>& names) {
  if (const auto gguf = with_extension(names, ".gguf")) return describe_gguf(*gguf);
  const auto pickled = first(names, [](const std::string& name) {
    const bool holds_weights = name.find("model") != name.npos || name.starts_with("consolidated");  // no optimizer
    return holds_weights && (name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth"));
  });
  if (pickled)
    return "pickled weights (" + *pickled + "), which can execute code and are not supported" + std::string(kConvert);
  if (const auto onnx = first(names, [](const auto& name) { return name.ends_with(".onnx") || name == "onnx"; }))
    return "an ONNX model (" + *onnx + "); hint: use the Hugging Face folder that it was exported from";
  for (const char* name : {"tf_model.h5", "flax_model.msgpack"}) {
    if (names.contains(name))
      return "weights of TensorFlow or Flax (" + std::string(name) +
             "); hint: load them in transformers 4 with from_tf=True or from_flax=True, and save them with "
             "save_pretrained";
  }
  return std::nullopt;
}

std::optional<std::string> find_run(const fs::path& folder, const std::set<std::string>& names) {
  if (names.contains("run.json")) {
    const auto result = first(names, [](const std::string& name) { return name == "final" || name == "best"; });
    if (!result) return "the folder of a run that has not finished; hint: continue it with --resume";
    return "the folder of a run; hint: its model is " +
           (folder / (names.contains("final") ? "final" : "best")).string();
  }
  if (names.contains("state.json") && names.contains("manifest.json"))
    return "a checkpoint of a run (masters and moments, for --resume); hint: use the run's final/ or best/";
  if (names.contains("zero_to_fp32.py") || with_extension(names, ".distcp"))
    return "a checkpoint in shards of DeepSpeed or FSDP; hint: convert it to a Hugging Face folder with the script of "
           "its trainer (zero_to_fp32.py, accelerate merge-weights)";
  return std::nullopt;
}

/// The folders below that have a config.json.
std::vector<fs::path> models_below(const fs::path& folder, const std::set<std::string>& names) {
  std::vector<fs::path> models;
  for (const std::string& name : names)
    if (is_there(folder / name / "config.json")) models.push_back(folder / name);
  return models;
}

std::optional<std::string> find_cache_entry(const fs::path& folder, const std::set<std::string>& names) {
  if (!names.contains("snapshots")) return std::nullopt;
  const fs::path snapshots = folder / "snapshots";
  const auto models = models_below(snapshots, names_in(snapshots));
  if (models.empty())
    return "an entry of the cache of huggingface_hub without a complete snapshot; hint: download it again";
  return "an entry of the cache of huggingface_hub; hint: its model is " + models.front().string();
}

/// Formats of other programs, by a file that they all have.
std::optional<std::string> find_other_format(const std::set<std::string>& names) {
  static constexpr std::array<std::array<const char*, 2>, 3> kFormats = {
      {{"params.json",
        "a model in the original format of Meta or Mistral (params.json); hint: use the folder of the "
        "same model whose name ends in -hf or that has config.json"},
       {"model_index.json", "a pipeline of diffusers (model_index.json), which is no language model"},
       {"modules.json", "a model of sentence-transformers (modules.json), which is no language model"}}};
  for (const auto& [file, what] : kFormats)
    if (names.contains(file)) return what;
  return std::nullopt;
}

std::string describe_folder(const fs::path& folder) {
  const std::set<std::string> names = names_in(folder);
  if (names.empty()) return "an empty folder";
  if (names.contains("adapter_config.json")) return describe_adapter(folder);
  if (auto run = find_run(folder, names)) return *run;
  if (auto entry = find_cache_entry(folder, names)) return *entry;
  if (auto format = find_other_format(names)) return *format;
  if (auto weights = find_other_weights(names)) return *weights;
  const auto models = models_below(folder, names);
  if (models.empty()) return "none in it";
  return (models.size() == 1 ? "none in it; hint: the model is " : "none in it; hint: models are below it, such as ") +
         models.front().string();
}

std::string describe_file(const fs::path& file) {
  if (file.extension() == ".gguf") return describe_gguf(shown_name(file.filename().string()));
  const fs::path folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
  const bool is_part = is_there(folder / "config.json");
  return "a file" + (is_part ? "; hint: use its folder " + folder.string() : "");
}

std::string describe_missing(const std::string& model) {
  const fs::path entry = cached_model(model);
  if (entry.empty()) return "no such folder";
  const std::string hint = "; hint: download it with `hf download " + model + "`";
  if (!is_there(entry)) {
    return "neither such a folder nor a model of that id in the local cache (" + entry.string() +
           ", with refs/main and snapshots/)" + hint;
  }
  return "no such folder, and in the local cache no complete snapshot of that model (" + entry.string() +
         ": refs/main names a folder in snapshots/)" + hint;
}

}  // namespace

std::string describe_foreign_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!is_there(path)) return describe_missing(path.string());
  if (fs::is_directory(status)) return describe_folder(path);
  if (fs::is_regular_file(status)) return describe_file(path);
  return fs::exists(status) ? "neither a folder nor a file" : "a link that leads nowhere";
}

std::string describe_foreign_weights(const fs::path& folder) {
  const std::set<std::string> names = names_in(folder);
  if (names.contains("adapter_config.json")) return describe_adapter(folder);
  if (auto weights = find_other_weights(names)) return *weights;
  const auto safetensors = with_extension(names, ".safetensors");
  if (safetensors && safetensors->find("-of-") != std::string::npos)
    return "shards (" + *safetensors + ") without model.safetensors.index.json, which lists them; hint: download it";
  if (safetensors) return "only " + *safetensors;
  if (const auto part = with_extension(names, ".incomplete"))
    return "an unfinished download (" + *part + "); hint: download the model again";
  return "no weights";
}

bool is_lfs_pointer(const fs::path& file) {
  constexpr std::string_view kBegin = "version https://git-lfs";
  std::error_code error;
  if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > 1024) return false;
  std::array<char, kBegin.size()> begin{};
  std::ifstream(file, std::ios::binary).read(begin.data(), begin.size());
  return std::string_view(begin.data(), begin.size()) == kBegin;
}

}  // namespace rlhf
