#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/temporary_folder.h"

namespace rlhf::testing {

/// A tokenizer.json that has a bit of everything: eight pieces, an added token, BOS in front.
inline nlohmann::json tiny_tokenizer() {
  return nlohmann::json::parse(R"json({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
      {"id": 8, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "_"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "\\n+"}, "behavior": "Isolated", "invert": false},
      {"type": "Digits", "individual_digits": true},
      {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": false}]},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "_"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
      "vocab": {"<s>": 0, "<unk>": 1, "a": 2, "b": 3, "_": 4, "ab": 5, "_ab": 6, "1": 7},
      "merges": ["a b", "_ ab"]}})json");
}

inline void write_tokenizer(const TemporaryFolder& folder, const nlohmann::json& document) {
  folder.write("tokenizer.json", document.dump());
}

/// What load_tokenizer() says against a folder or file.
inline std::string load_error(const std::filesystem::path& path) {
  try {
    load_tokenizer(path);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace rlhf::testing
