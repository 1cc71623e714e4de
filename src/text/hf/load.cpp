// Builds a tokenizer from tokenizer.json, or from vocab.json and merges.txt.
#include "text/hf/load.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "text/hf/tokenizer.h"
#include "text/hf/tokenizer_class.h"
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
    const auto id = added.add(read_added_token(node));
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

// Qwen2Tokenizer takes all its special tokens for plain ones.
void drop_flags(const Settings& settings, AddedVocabulary& added) {
  if (settings.class_rules != "Qwen2Tokenizer") return;
  const auto drop = [&](const AddedToken& token) { added.add({.content = token.content, .special = true}); };
  for (const auto& [role, token] : settings.by_role) drop(token);
  for (const auto& [name, token] : settings.named_tokens) drop(token);
  for (const AddedToken& token : settings.extra) drop(token);
}

// An EOS that only the class names goes before the model's if the vocabulary has it.
bool has_default_eos(const Settings& settings, const AddedVocabulary& added) {
  return !settings.class_rules.empty() && added.find_role(settings, "eos_token").has_value();
}

Parts read_parts(const JsonReader& root, const Settings& settings, const fs::path& folder) {
  check_top_level(root);
  Parts parts;
  parts.model = read_word_model(root.at("model"));
  AddedVocabulary added = read_added_vocabulary(root, parts.model->vocabulary());
  const bool has_eos = has_default_eos(settings, added);
  added.add(settings, folder);
  drop_flags(settings, added);
  parts.added = added.tokens();
  check_ids(root, parts);
  if (const auto node = root.find("normalizer")) parts.normalizer = read_normalizer(*node);
  if (const auto node = root.find("pre_tokenizer")) parts.pre_tokenizer = read_pre_tokenizer(*node);
  if (const auto node = root.find("decoder")) parts.decoder = read_decoder(*node);
  const auto role = [&](const char* name) { return added.find_role(settings, name); };
  parts.special = {role("bos_token"), role("eos_token"), role("unk_token"), role("pad_token")};
  if (!has_eos && settings.model_eos && is_known(*settings.model_eos, parts)) parts.special.eos = settings.model_eos;
  return parts;
}

// transformers also takes the pad token of the section `padding`.
void add_pad_token(const JsonReader& root, Settings& settings) {
  const auto padding = root.find("padding");
  const auto pad = padding ? padding->find("pad_token") : std::nullopt;
  if (pad && !settings.named.contains("pad_token") && !settings.by_role.contains("pad_token"))
    settings.by_role["pad_token"] = {.content = pad->string(), .special = true};
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

std::unique_ptr<Tokenizer> build(const json& document, const fs::path& file, const Settings& settings,
                                 const std::vector<fs::path>& files) {
  const JsonReader root = reader_of(document, file);
  Parts parts = read_parts(root, settings, file.parent_path());
  if (const auto node = root.find("post_processor")) add_frame(*node, parts);
  parts.files = files;
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

// What the rules of tokenizers differ in: spaces at places, digits, letters with marks, contractions, special tokens.
std::vector<std::string> texts_to_compare(const Settings& settings) {
  std::vector<std::string> texts = {"a",
                                    " a",
                                    "  a  b",
                                    "\n a\n\n b",
                                    "It's 12345,678. DON'T!",
                                    "x\u0301 e\u0301 \uFB01",
                                    "if (a[0] != b) {\n\t  return;\n}",
                                    "\u4F60\u597D\u3001\u4E16\u754C\u3002",
                                    "\u0939\u093F\u0928\u094D\u0926\u0940 na\u00EFve \u2581",
                                    "CamelCase_and-snake 3.14e10"};
  for (const char* role : {"bos_token", "eos_token"}) {
    const auto token = settings.by_role.find(role);
    if (token == settings.by_role.end()) continue;
    texts.push_back(token->second.content + "a");
    texts.push_back("a" + token->second.content + " b");
  }
  return texts;
}

std::string shown_ids(TokenIds ids) {
  constexpr std::size_t kShown = 12;
  const bool is_long = ids.size() > kShown;
  if (is_long) ids.resize(kShown);
  const std::string text = json(ids).dump();
  return is_long ? text.substr(0, text.size() - 1) + ",...]" : text;
}

// Warns, once for each file, if transformers would not follow tokenizer.json and get other ids.
void warn_of_class_rules(const json& document, const fs::path& file, const Settings& settings, const Tokenizer& own) {
  static std::mutex mutex;
  static std::set<fs::path> checked;
  if (settings.class_rules.empty() || !document["model"].contains("merges")) return;
  const std::lock_guard lock(mutex);
  if (!checked.insert(file).second) return;
  if (has_class_rules(document, settings)) return;
  const auto other = build(with_class_rules(document, settings), file, settings, {});
  for (const std::string& text : texts_to_compare(settings)) {
    const TokenIds ours = own.encode(text).ids, theirs = other->encode(text).ids;
    if (ours == theirs) continue;
    log_warning("tokenizer " + file.string() + ": used as it is; transformers 5 has other rules for the class " +
                settings.class_rules + ", and with them other ids for some texts, for example for " + shown_json(text) +
                ": " + shown_ids(theirs) + " instead of " + shown_ids(ours));
    return;
  }
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
  Settings settings = read_settings(folder, /*with_class=*/true);
  add_pad_token(reader_of(document, file), settings);
  auto tokenizer = build(document, file, settings, files);
  warn_of_class_rules(document, file, settings, *tokenizer);
  return tokenizer;
}

std::unique_ptr<Tokenizer> load_vocabulary_and_merges(const fs::path& folder, const std::vector<fs::path>& files) {
  Settings settings = read_settings(folder, /*with_class=*/false);
  check_class(settings, folder);
  settings.model_eos.reset();
  for (const char* role : {"bos_token", "eos_token", "unk_token"})
    if (!settings.named.contains(role)) settings.by_role[role] = {.content = "<|endoftext|>", .special = true};
  const json document = gpt2_rules(folder, settings.add_prefix_space.value_or(false));
  Parts parts = read_parts(reader_of(document, folder / "vocab.json, merges.txt"), settings, folder);
  if (settings.add_bos.value_or(false) && parts.special.bos) parts.front = {*parts.special.bos};
  parts.files = files;
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace rlhf::hf
