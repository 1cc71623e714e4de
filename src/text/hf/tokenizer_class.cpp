// The rules that classes of transformers 5 put in place of those of a tokenizer.json.
#include "text/hf/tokenizer_class.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf::hf {
namespace {

using json = nlohmann::ordered_json;

struct TokenizerClass {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string_view>> roles;  // role and default text
};

const std::vector<TokenizerClass>& classes() {
  static const std::vector<TokenizerClass> kClasses = {
      {"LlamaTokenizer", {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}}},
      {"GemmaTokenizer",
       {{"bos_token", "<bos>"},
        {"eos_token", "<eos>"},
        {"unk_token", "<unk>"},
        {"pad_token", "<pad>"},
        {"mask_token", "<mask>"}}},
      {"GPT2Tokenizer",
       {{"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}}},
      {"GPTNeoXTokenizer",
       {{"bos_token", "<|endoftext|>"},
        {"eos_token", "<|endoftext|>"},
        {"unk_token", "<|endoftext|>"},
        {"pad_token", "<|padding|>"}}},
      {"Qwen2Tokenizer",
       {{"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}, {"pad_token", "<|endoftext|>"}}},
      {"Qwen3_5Tokenizer",
       {{"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}, {"pad_token", "<|endoftext|>"}}},
      {"CohereTokenizer",
       {{"bos_token", "<BOS_TOKEN>"},
        {"eos_token", "<|END_OF_TURN_TOKEN|>"},
        {"unk_token", "<UNK>"},
        {"sep_token", "<SEP>"},
        {"pad_token", "<PAD>"},
        {"cls_token", "<CLS>"},
        {"mask_token", "<MASK_TOKEN>"}}},
  };
  return kClasses;
}

const TokenizerClass* find_class(std::string_view name) {
  const auto found =
      std::find_if(classes().begin(), classes().end(), [&](const auto& one) { return one.name == name; });
  return found == classes().end() ? nullptr : &*found;
}

constexpr std::string_view kByFile = "TokenizersBackend";  // the class that follows tokenizer.json

// The class of a model type; "" if transformers has none for it.
std::string_view class_of_model(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"cohere", "CohereTokenizer"},
                                                                      {"cohere2", "CohereTokenizer"},
                                                                      {"gemma", "GemmaTokenizer"},
                                                                      {"gemma2", "GemmaTokenizer"},
                                                                      {"gemma3", "GemmaTokenizer"},
                                                                      {"gemma3_text", "GemmaTokenizer"},
                                                                      {"gpt2", "GPT2Tokenizer"},
                                                                      {"gpt_neox", "GPTNeoXTokenizer"},
                                                                      {"mistral", kByFile},
                                                                      {"opt", "GPT2Tokenizer"},
                                                                      {"phi3", kByFile},
                                                                      {"qwen2", "Qwen2Tokenizer"},
                                                                      {"qwen3", "Qwen2Tokenizer"},
                                                                      {"qwen3_moe", "Qwen2Tokenizer"},
                                                                      {"qwen3_next", "Qwen2Tokenizer"},
                                                                      {"qwen3_5", "Qwen3_5Tokenizer"}};
  for (const auto& [name, tokenizer] : kTypes)
    if (name == type) return tokenizer;
  return "";
}

// Model types for which the class that the folder names is not used.
bool has_fixed_class(std::string_view type) { return type == "phi3" || type == "qwen2" || type == "qwen3_5"; }

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string chosen_class(const std::filesystem::path& folder, const json& model, const Settings& settings) {
  std::string declared =
      settings.tokenizer_class.empty() ? text_of(model, "tokenizer_class") : settings.tokenizer_class;
  if (declared.ends_with("Fast")) declared.resize(declared.size() - 4);
  const std::string type = text_of(model, "model_type");
  const std::string_view usual = class_of_model(type);
  if (declared == "LlamaTokenizer" && type != "mistral" && !has_fixed_class(type) &&
      read_file(folder / "tokenizer.json", ExitCode::model).find("\"ByteLevel\"") != std::string::npos)
    return std::string(kByFile);
  if (declared.empty()) return std::string(usual);
  if (usual.empty() || usual == declared) return declared;
  return std::string(usual == kByFile || has_fixed_class(type) ? usual : declared);
}

json byte_level(bool add_prefix_space, bool use_regex) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

json sequence(json first, json second) {
  return {{"type", "Sequence"}, {"pretokenizers", json::array({std::move(first), std::move(second)})}};
}

json isolated(std::string_view pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

struct Rules {
  json normalizer, pre_tokenizer;
  bool is_sentencepiece = false;  // unknown characters are bytes, and unknown pieces next to each other are one
};

Rules rules_of(const Settings& settings) {
  constexpr std::string_view kQwen2 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kQwen35 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string& name = settings.class_rules;
  const bool space = settings.add_prefix_space.value_or(false);
  const json nfc = {{"type", "NFC"}};
  if (name == "LlamaTokenizer") {
    const char* scheme = !settings.add_prefix_space.value_or(true) ? "never" : settings.legacy ? "always" : "first";
    return {nullptr,
            {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", scheme}, {"split", false}},
            true};
  }
  if (name == "GemmaTokenizer")
    return {{{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}},
            {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}},
            true};
  if (name == "GPT2Tokenizer") return {nullptr, byte_level(space, true), false};
  if (name == "GPTNeoXTokenizer") return {nfc, byte_level(space, true), false};
  if (name == "CohereTokenizer")
    return {nfc, sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level(space, true)), false};
  return {nfc, sequence(isolated(name == "Qwen2Tokenizer" ? kQwen2 : kQwen35), byte_level(space, false)), false};
}

}  // namespace

void add_class(const std::filesystem::path& folder, const json& model, Settings& settings) {
  const TokenizerClass* const rules = find_class(chosen_class(folder, model, settings));
  if (!rules) return;
  settings.class_rules = rules->name;
  for (const auto& [role, text] : rules->roles)
    if (!settings.named.contains(role))
      settings.by_role[std::string(role)] = {.content = std::string(text), .special = true};
}

namespace {

// The parts of a file that decide on ids, without what does not: settings of offsets, defaults that are written out.
nlohmann::json deciding(const json& rule) {
  if (rule.is_array()) {
    nlohmann::json list = nlohmann::json::array();
    for (const json& one : rule) list.push_back(deciding(one));
    return list;
  }
  if (!rule.is_object()) return rule;
  nlohmann::json kept = nlohmann::json::object();  // its keys are ordered, so the order in the file does not count
  for (const auto& [key, value] : rule.items())
    if (key != "trim_offsets" && !(key == "use_regex" && value == true)) kept[key] = deciding(value);
  return kept;
}

json part_of(const json& document, const char* key) { return document.contains(key) ? document[key] : json(); }

// The document without its vocabulary, which is large.
json without_vocabulary(const json& document) {
  json rules = {{"model", json::object()}};
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor"}) rules[part] = part_of(document, part);
  for (const char* flag : {"fuse_unk", "byte_fallback", "ignore_merges"})
    rules["model"][flag] = part_of(document["model"], flag) == true;
  return rules;
}

bool adds_tokens(const json& rules) {
  return rules["post_processor"].dump().find("SpecialToken\"") != std::string::npos;
}

}  // namespace

bool has_class_rules(const json& document, const Settings& settings) {
  const json own = without_vocabulary(document), of_class = with_class_rules(own, settings);
  const auto same = [&](const char* part) { return deciding(own[part]) == deciding(of_class[part]); };
  const json flags = {{"fuse_unk", of_class["model"]["fuse_unk"]},
                      {"byte_fallback", of_class["model"]["byte_fallback"]},
                      {"ignore_merges", of_class["model"]["ignore_merges"]}};
  return same("normalizer") && same("pre_tokenizer") && flags == own["model"] &&
         adds_tokens(own) == adds_tokens(of_class);
}

json with_class_rules(const json& document, const Settings& settings) {
  Rules rules = rules_of(settings);
  json changed = document;
  changed["normalizer"] = std::move(rules.normalizer);
  changed["pre_tokenizer"] = std::move(rules.pre_tokenizer);
  json& model = changed["model"];
  model["fuse_unk"] = rules.is_sentencepiece;
  model["byte_fallback"] = rules.is_sentencepiece;
  model["ignore_merges"] = false;
  if (settings.class_rules != "GemmaTokenizer") model["unk_token"] = nullptr;
  if (settings.class_rules == "GPTNeoXTokenizer") changed["post_processor"] = nullptr;
  return changed;
}

}  // namespace rlhf::hf
