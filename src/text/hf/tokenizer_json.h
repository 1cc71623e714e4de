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

/// The JSON object of a file of a tokenizer: at most 96 MiB, at most 64 levels deep. Throws ModelError.
inline nlohmann::ordered_json read_tokenizer_json(const std::filesystem::path& file) {
  return read_json_object(file, "reading " + file.string(), std::size_t{96} << 20);
}

/// A reader of such an object, whose errors are ModelErrors that begin with "reading FILE".
inline JsonReader reader_of(const nlohmann::ordered_json& document, const std::filesystem::path& file) {
  return {document, "reading " + file.string(), throw_as<ModelError>};
}

/// Of a string that is one character.
inline char32_t character_of(const JsonReader& node) {
  const std::string& text = node.string();
  if (text.empty() || character_at(text, 0).bytes != text.size()) node.fail("one character");
  return character_at(text, 0).code;
}

}  // namespace rlhf::hf
