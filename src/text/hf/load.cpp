// Builds a tokenizer from tokenizer.json, or from vocab.json and merges.txt.
#include "text/hf/load.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

#include "text/hf/tokenizer.h"
#include "text/hf/tokenizer_json.h"

namespace rlhf::hf {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

AddedVocabulary read_added_vocabulary(const JsonReader& root, const Vocabulary& vocabulary) {
  AddedVocabulary added(static_cast<std::int32_t>(vocabulary.size()),
                        [&](std::string_view piece) { return vocabulary.find(piece); });
  const auto list = root.find("added_tokens");
  for (std::size_t i = 0; list && i < list->list().size(); ++i) {
    const JsonReader node = list->item(i);
    const auto id = added.add(read_added_token(node, {"id"}));
    const auto given = node.at("id").integer(0, Vocabulary::kMaxIds - 1);
    if (id && *id != given) node.at("id").fail(std::to_string(*id) + ", the id of its content or the next free one");
  }
  return added;
}

// An added token can collide with a piece only if the ids of the pieces have gaps.
void check_ids(const JsonReader& root, const Parts& parts) {
  for (const auto& [piece, id] : parts.model->vocabulary().pieces()) {
    const auto token = parts.added.find(id);
    if (token != parts.added.end() && token->second.content != piece)
      root.at("model").fail("a unique id for every token", std::to_string(id) + " for " + shown_json(piece) +
                                                               " and for " + shown_json(token->second.content));
  }
  const auto last = parts.added.empty() ? -1 : parts.added.rbegin()->first;
  if (last >= Vocabulary::kMaxIds) root.at("added_tokens").fail("fewer tokens");
}

void check_top_level(const JsonReader& root) {
  root.allow_only({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                   "decoder", "model"});
  const auto version = root.find("version");
  if (version && version->string() != "1.0") version->fail("1.0");
  // transformers ignores both sections when its tokenizer is called without arguments, so only their type is checked.
  for (const char* key : {"truncation", "padding"})
    if (const auto section = root.find(key)) section->object();
}

bool is_known(std::int32_t id, const Parts& parts) {
  const auto& pieces = parts.model->vocabulary().pieces();
  return parts.added.contains(id) ||
         std::any_of(pieces.begin(), pieces.end(), [&](const auto& piece) { return piece.second == id; });
}

Parts read_parts(const JsonReader& root, const Settings& settings, const fs::path& folder) {
  check_top_level(root);
  Parts parts;
  parts.model = read_word_model(root.at("model"));
  AddedVocabulary added = read_added_vocabulary(root, parts.model->vocabulary());
  added.add(settings, folder);
  parts.added = added.tokens();
  check_ids(root, parts);
  if (const auto node = root.find("normalizer")) parts.normalizer = read_normalizer(*node);
  if (const auto node = root.find("pre_tokenizer")) parts.pre_tokenizer = read_pre_tokenizer(*node);
  if (const auto node = root.find("decoder")) parts.decoder = read_decoder(*node);
  const auto role = [&](const char* name) { return added.find_role(settings, name); };
  parts.special = {role("bos_token"), role("eos_token"), role("unk_token"), role("pad_token")};
  if (settings.model_eos && is_known(*settings.model_eos, parts)) parts.special.eos = settings.model_eos;
  return parts;
}

void check_frame_ids(const JsonReader& node, const TokenIds& ids, const Parts& parts) {
  for (const std::int32_t id : ids)
    if (!is_known(id, parts)) node.fail("ids of tokens", std::to_string(id) + ", which no token has");
}

// The library appends EOS to every complete text itself, so an EOS of the post-processor is ignored.
void add_frame(const JsonReader& node, Parts& parts) {
  const Frame frame = read_post_processor(node);
  check_frame_ids(node, frame.front, parts);
  const bool only_eos = frame.back.empty() || (parts.special.eos && frame.back == TokenIds{*parts.special.eos});
  if (!only_eos) node.fail("no tokens after the text except the EOS of tokenizer_config.json");
  parts.front = frame.front;
}

json gpt2_rules(const fs::path& folder, bool add_prefix_space) {
  const json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", true}};
  json merges = json::array();
  const std::string text = read_file(folder / "merges.txt", ExitCode::model);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    merges.push_back(std::string(line));
    begin = end + 1;
  }
  return {{"version", "1.0"},
          {"pre_tokenizer", byte_level},
          {"decoder", byte_level},
          {"model", {{"type", "BPE"}, {"vocab", read_tokenizer_json(folder / "vocab.json")}, {"merges", merges}}}};
}

void check_class(const Settings& settings, const fs::path& folder) {
  const std::string& name = settings.tokenizer_class;
  if (name.empty() || name == "GPT2Tokenizer" || name == "GPT2TokenizerFast") return;
  throw ModelError("reading tokenizer " + folder.string() +
                   ": expected a GPT2Tokenizer for vocab.json and merges.txt, " + "found " + shown_json(name) +
                   "; hint: create a tokenizer.json with save_pretrained of transformers");
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer_json(const fs::path& folder, const std::vector<fs::path>& files) {
  const fs::path file = folder / "tokenizer.json";
  const json document = read_tokenizer_json(file);
  const JsonReader root = reader_of(document, file);
  Parts parts = read_parts(root, read_settings(folder), folder);
  if (const auto node = root.find("post_processor")) add_frame(*node, parts);
  parts.files = files;
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

std::unique_ptr<Tokenizer> load_vocabulary_and_merges(const fs::path& folder, const std::vector<fs::path>& files) {
  Settings settings = read_settings(folder);
  check_class(settings, folder);
  settings.model_eos.reset();
  for (const char* role : {"bos_token", "eos_token", "unk_token"})
    if (!settings.named.contains(role)) settings.by_role[role] = {.content = "<|endoftext|>", .special = true};
  const json document = gpt2_rules(folder, settings.add_prefix_space);
  Parts parts = read_parts(reader_of(document, folder / "vocab.json, merges.txt"), settings, folder);
  if (settings.add_bos.value_or(false) && parts.special.bos) parts.front = {*parts.special.bos};
  parts.files = files;
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace rlhf::hf
