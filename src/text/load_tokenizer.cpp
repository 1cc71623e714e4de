// Chooses the tokenizer of a model folder by the files in it.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/text/tokenizer.h"

#include "text/hf/load.h"
#include "text/hf/settings.h"
#include "text/sentencepiece_tokenizer.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemplates = "additional_chat_templates";

struct OtherKind {
  const char* file;
  const char* name;
};

constexpr OtherKind kOtherKinds[] = {
    {"vocab.txt", "a WordPiece vocabulary (vocab.txt)"},
    {"tekken.json", "a tekken vocabulary (tekken.json)"},
    {"tiktoken.model", "a tiktoken vocabulary (tiktoken.model)"},
};

[[noreturn]] void refuse(const fs::path& path, const std::string& found) {
  throw ModelError("reading tokenizer " + path.string() +
                   ": expected tokenizer.json, tokenizer.model, or vocab.json and merges.txt, found " + found);
}

void refuse_other_kind(const fs::path& folder, const std::string& only = "") {
  for (const OtherKind& kind : kOtherKinds) {
    if ((only.empty() || only == kind.file) && fs::exists(folder / kind.file))
      refuse(folder, std::string(kind.name) + ", which is not supported");
  }
}

// The files that `transformers` reads for the tokenizer of a folder, including chat templates.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "tokenizer_config.json",
                           "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"}) {
    if (fs::exists(folder / name)) files.push_back(folder / name);
  }
  if (!fs::is_directory(folder / kTemplates)) return files;
  std::vector<fs::path> templates;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kTemplates))
    if (entry.path().extension() == ".jinja") templates.push_back(entry.path());
  std::sort(templates.begin(), templates.end());
  files.insert(files.end(), templates.begin(), templates.end());
  return files;
}

// ChatGLM's special tokens and the tokens before a text are only in its Python code. Other such classes differ less.
void check_custom_code(const fs::path& folder, const hf::Settings& settings) {
  const std::string& name = settings.tokenizer_class;
  if (name.starts_with("ChatGLM"))
    throw ModelError("reading tokenizer " + folder.string() + ": expected files that define the tokenizer, found " +
                     name +
                     ", whose special tokens are only in Python code (tokenization_chatglm.py); hint: use a "
                     "version of the model with a tokenizer.json (GLM-4 has one; its folders end in -hf)");
  if (settings.has_custom_code && !name.starts_with("InternLM2Tokenizer"))
    log_warning("tokenizer " + folder.string() + ": the Python code of " + (name.empty() ? "its class" : name) +
                " is not run; tokenizer.model and the settings next to it are used as for a LlamaTokenizer");
}

std::unique_ptr<Tokenizer> load_sentencepiece(const fs::path& folder) {
  const hf::Settings settings = hf::read_settings(folder, /*with_class=*/false);
  check_custom_code(folder, settings);
  return std::make_unique<SentencePieceTokenizer>(folder / "tokenizer.model", settings, files_of(folder));
}

std::unique_ptr<Tokenizer> load_folder(const fs::path& folder) {
  const auto has = [&](const char* name) { return fs::exists(folder / name); };
  if (has("tokenizer.json")) return hf::load_tokenizer_json(folder, files_of(folder));
  if (has("tokenizer.model")) return load_sentencepiece(folder);
  if (has("vocab.json") && has("merges.txt")) return hf::load_vocabulary_and_merges(folder, files_of(folder));
  refuse_other_kind(folder);
  refuse(folder, "none of them");
}

std::unique_ptr<Tokenizer> load(const fs::path& path) {
  if (!fs::exists(path)) refuse(path, "no such file or folder");
  if (fs::is_directory(path)) return load_folder(path);
  const fs::path folder = path.parent_path();
  const std::string name = path.filename().string();
  if (name == "tokenizer.json") return hf::load_tokenizer_json(folder, files_of(folder));
  if (name == "tokenizer.model") return load_sentencepiece(folder);
  if ((name == "vocab.json" && fs::exists(folder / "merges.txt")) ||
      (name == "merges.txt" && fs::exists(folder / "vocab.json")))
    return hf::load_vocabulary_and_merges(folder, files_of(folder));
  refuse_other_kind(folder, name);
  return std::make_unique<SentencePieceTokenizer>(path, hf::Settings(), std::vector<fs::path>{path});
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  try {
    return load(path);
  } catch (const fs::filesystem_error& error) {
    refuse(path, "a folder that cannot be read (" + error.code().message() + ")");
  }
}

}  // namespace rlhf
