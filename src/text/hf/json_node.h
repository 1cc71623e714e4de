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

/// Reads the JSON object of a file of at most 96 MiB and 64 levels. Throws ModelError.
nlohmann::json read_json_object(const std::filesystem::path& file);

/// A value of a JSON document together with its path of keys, for error messages. The document must outlive it. Every
/// function throws a ModelError if the value is not as required: "reading FILE: KEYS: expected …, found …".
class JsonNode {
 public:
  JsonNode(const nlohmann::json& document, const std::filesystem::path& file);

  const nlohmann::json& value() const { return *value_; }
  JsonNode at(const std::string& key) const;                   ///< a member of an object, which must exist
  std::optional<JsonNode> find(const std::string& key) const;  ///< a member of an object; nullopt if absent or null
  JsonNode item(std::size_t index) const;                      ///< an item of an array
  const nlohmann::json& object() const;
  const nlohmann::json& array() const;
  const std::string& string() const;
  bool boolean() const;
  double number() const;  ///< a finite number
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  char32_t character() const;  ///< a string of exactly one character

  bool boolean_or(const std::string& key, bool otherwise) const;
  /// The member "type" of an object.
  const std::string& type() const { return at("type").string(); }
  /// Refuses all keys except these, because an unknown key could change the ids.
  void allow_only(const std::vector<std::string_view>& keys) const;

  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;

 private:
  JsonNode(const nlohmann::json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  std::string below(const std::string& key) const;

  const nlohmann::json* value_;
  std::string where_;  // "reading FILE: " and the path of keys
};

/// A value for an error message: at most 60 bytes of ASCII on one line.
std::string shown(const nlohmann::json& value);

}  // namespace rlhf::hf
