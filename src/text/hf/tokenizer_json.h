#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/json/json_file.h"
#include "rlhf/json/json_reader.h"

#include "text/hf/characters.h"

namespace rlhf::hf {

/// Reads the JSON object of a file of at most 96 MiB and 64 levels. Throws ModelError.
inline nlohmann::ordered_json read_tokenizer_json(const std::filesystem::path& file) {
  return read_json_object(file, "reading " + file.string(), std::size_t{96} << 20);
}

/// A reader of such an object. Every function throws ModelError "reading FILE: KEYS: expected …, found …".
inline JsonReader reader_of(const nlohmann::ordered_json& document, const std::filesystem::path& file) {
  return {document, "reading " + file.string(), throw_as<ModelError>};
}

/// Reads a string of exactly one character.
inline char32_t character_of(const JsonReader& node) {
  const std::string& text = node.string();
  if (text.empty() || character_at(text, 0).bytes != text.size()) node.fail("one character");
  return character_at(text, 0).code;
}

}  // namespace rlhf::hf
