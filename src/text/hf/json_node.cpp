// Typed access to JSON with the path of keys in every error.
#include "text/hf/json_node.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <system_error>
#include <utility>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

#include "text/hf/characters.h"

namespace rlhf::hf {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = std::size_t{96} << 20;
constexpr int kMaxDepth = 64;
constexpr std::size_t kShownBytes = 60;

// Checked before parsing, because later code visits values recursively.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string shown(const json& value) {
  // A large object is not serialised only to be cut.
  if (value.is_structured() && value.size() > 8)
    return std::string("an ") + value.type_name() + " of " + std::to_string(value.size()) + " values";
  return shortened(value.dump(-1, ' ', true, json::error_handler_t::replace), kShownBytes);
}

json read_json_object(const std::filesystem::path& file) {
  const std::string where = "reading " + file.string() + ": expected ";
  std::error_code error;
  // Reading a pipe could block, and reading a device might never end.
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error))
    throw ModelError(where + "a regular file, found another kind");
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  if (!error && bytes > kMaxBytes)
    throw ModelError(where + "at most 96 MiB, found " + std::to_string(bytes) + " bytes");
  const std::string text = read_file(file, ExitCode::model);
  if (is_too_deep(text)) throw ModelError(where + "at most " + std::to_string(kMaxDepth) + " levels, found more");
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) throw ModelError(where + "a JSON object, found none");
  return document;
}

JsonNode::JsonNode(const json& document, const std::filesystem::path& file)
    : value_(&document), where_("reading " + file.string() + ": ") {}

// Keys that are not plain words (for example pieces) are quoted, so that a message stays on one line.
std::string JsonNode::below(const std::string& key) const {
  const bool plain = std::all_of(key.begin(), key.end(),
                                 [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0 || c == '_'; });
  if (!plain || key.empty()) return where_ + "[" + shown(key) + "]";
  return where_ + (where_.ends_with(": ") ? "" : ".") + key;
}

void JsonNode::fail(const std::string& expected) const { fail(expected, shown(*value_)); }

void JsonNode::fail(const std::string& expected, const std::string& found) const {
  throw ModelError(where_ + (where_.ends_with(": ") ? "" : ": ") + "expected " + expected + ", found " + found);
}

JsonNode JsonNode::at(const std::string& key) const {
  const auto found = object().find(key);
  if (found == value_->end()) fail("the key \"" + key + "\"", "none");
  return {*found, below(key)};
}

std::optional<JsonNode> JsonNode::find(const std::string& key) const {
  const auto found = object().find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonNode(*found, below(key));
}

JsonNode JsonNode::item(std::size_t index) const {
  return {array().at(index), where_ + "[" + std::to_string(index) + "]"};
}

const json& JsonNode::object() const {
  if (!value_->is_object()) fail("an object");
  return *value_;
}

const json& JsonNode::array() const {
  if (!value_->is_array()) fail("a list");
  return *value_;
}

const std::string& JsonNode::string() const {
  if (!value_->is_string()) fail("a string");
  return value_->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

double JsonNode::number() const {
  if (!value_->is_number() || !std::isfinite(value_->get<double>())) fail("a finite number");
  return value_->get<double>();
}

std::int64_t JsonNode::integer(std::int64_t low, std::int64_t high) const {
  // The parser stores a number above the range of int64 as unsigned; a conversion would wrap.
  const bool fits = value_->is_number_integer() &&
                    (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= std::uint64_t{1} << 62);
  if (!fits || value_->get<std::int64_t>() < low || value_->get<std::int64_t>() > high)
    fail("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return value_->get<std::int64_t>();
}

char32_t JsonNode::character() const {
  const std::string& text = string();
  if (text.empty() || character_at(text, 0).bytes != text.size()) fail("one character");
  return character_at(text, 0).code;
}

bool JsonNode::boolean_or(const std::string& key, bool otherwise) const {
  const auto found = find(key);
  return found ? found->boolean() : otherwise;
}

void JsonNode::allow_only(const std::vector<std::string_view>& keys) const {
  for (const auto& [key, value] : object().items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      JsonNode(value, below(key)).fail("no such key (it is not supported)");
  }
}

}  // namespace rlhf::hf
