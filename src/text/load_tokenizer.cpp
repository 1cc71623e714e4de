#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "text/sentencepiece_tokenizer.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFile = "tokenizer.model";
constexpr const char* kConfigFile = "tokenizer_config.json";

struct OtherKind {
  const char* file;
  const char* name;
};

constexpr OtherKind kOtherKinds[] = {
    {"tokenizer.json", "the tokenizer.json of the `tokenizers` library"},
    {"vocab.json", "a byte-level BPE vocabulary (vocab.json, merges.txt)"},
    {"merges.txt", "a byte-level BPE vocabulary (vocab.json, merges.txt)"},
    {"vocab.txt", "a WordPiece vocabulary (vocab.txt)"},
    {"tekken.json", "a tekken vocabulary (tekken.json)"},
};

[[noreturn]] void refuse(const fs::path& path, const std::string& found) {
  throw ModelError("reading tokenizer " + path.string() + ": expected a SentencePiece tokenizer.model, found " + found);
}

void refuse_other_kind(const fs::path& folder, const std::string& only = "") {
  for (const OtherKind& kind : kOtherKinds) {
    if ((only.empty() || only == kind.file) && fs::exists(folder / kind.file))
      refuse(folder, std::string(kind.name) + ", which is not supported");
  }
}

// transformers' LlamaTokenizer adds BOS unless the folder says otherwise.
bool adds_bos(const fs::path& config) {
  if (!fs::exists(config)) return true;
  const auto settings = nlohmann::json::parse(read_file(config, ExitCode::model), nullptr, /*allow_exceptions=*/false);
  if (!settings.is_object()) throw ModelError("reading " + config.string() + ": expected a JSON object, found none");
  const auto found = settings.find("add_bos_token");
  if (found == settings.end() || found->is_null()) return true;
  if (!found->is_boolean())
    throw ModelError("reading " + config.string() + ": add_bos_token: expected true or false, found " + found->dump());
  return found->get<bool>();
}

// The tokenizer of a folder and the other files that `transformers` keeps beside it.
std::unique_ptr<Tokenizer> load_from_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const char* name : {kModelFile, kConfigFile, "special_tokens_map.json", "added_tokens.json", "tokenizer.json",
                           "chat_template.jinja"}) {
    if (fs::exists(folder / name)) files.push_back(folder / name);
  }
  return std::make_unique<SentencePieceTokenizer>(folder / kModelFile, adds_bos(folder / kConfigFile), files);
}

std::unique_ptr<Tokenizer> load(const fs::path& path) {
  if (!fs::exists(path)) refuse(path, "nothing there");
  if (fs::is_directory(path)) {
    if (fs::exists(path / kModelFile)) return load_from_folder(path);
    refuse_other_kind(path);
    refuse(path, "no tokenizer file in the folder");
  }
  if (path.filename() == kModelFile) return load_from_folder(path.parent_path());
  refuse_other_kind(path.parent_path(), path.filename().string());
  return std::make_unique<SentencePieceTokenizer>(path, true, std::vector<fs::path>{path});
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  try {
    return load(path);
  } catch (const fs::filesystem_error& error) {
    refuse(path, "that it cannot be read (" + error.code().message() + ")");
  }
}

}  // namespace rlhf
