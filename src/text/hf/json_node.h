#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace rlhf::hf {

/// The JSON object of a file: at most 96 MiB, at most 64 levels deep. Throws ModelError.
nlohmann::json read_json_object(const std::filesystem::path& file);

/// One value of a JSON file and the path of keys that leads to it, so that every error names its place. The document
/// must outlive it. Whatever is asked of it and is not so is a ModelError: "reading FILE: KEYS: expected …, found …".
class JsonNode {
 public:
  JsonNode(const nlohmann::json& document, const std::filesystem::path& file);

  const nlohmann::json& value() const { return *value_; }
  JsonNode at(const std::string& key) const;                   ///< of an object, which must have it
  std::optional<JsonNode> find(const std::string& key) const;  ///< of an object; nothing where it is absent or null
  JsonNode item(std::size_t index) const;                      ///< of an array
  const nlohmann::json& object() const;
  const nlohmann::json& array() const;
  const std::string& string() const;
  bool boolean() const;
  double number() const;  ///< a finite one
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  char32_t character() const;  ///< of a string that is one character

  bool boolean_or(const std::string& key, bool otherwise) const;
  /// The string of `key` "type", which says what kind of part an object is.
  const std::string& type() const { return at("type").string(); }
  /// Refuses any key but these: what we do not know could change the ids.
  void allow_only(const std::vector<std::string_view>& keys) const;

  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;

 private:
  JsonNode(const nlohmann::json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  std::string below(const std::string& key) const;

  const nlohmann::json* value_;
  std::string where_;  // "reading FILE: " and the keys
};

/// A value for an error message: at most 60 bytes of it in ASCII, on one line.
std::string shown(const nlohmann::json& value);

}  // namespace rlhf::hf
