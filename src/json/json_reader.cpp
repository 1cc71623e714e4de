// Typed access to JSON with the path of keys in every error.
#include "rlhf/json/json_reader.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "rlhf/core/check.h"
#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kShownValues = 64;  // a larger value is not serialised only to be cut

std::string ascii(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

bool is_word(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '-');
  });
}

}  // namespace

std::string shown_json(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return std::isnan(value.get<double>()) ? "NaN" : value.get<double>() > 0 ? "Infinity" : "-Infinity";
  if (value.is_structured() && value.size() > kShownValues)
    return (value.is_object() ? "an object of " : "a list of ") + std::to_string(value.size()) + " values";
  return shortened(ascii(value), kShownBytes);
}

std::string shown_keys(const Json& object) {
  if (object.empty()) return "no field";
  std::string keys;
  for (const auto& [key, value] : object.items()) {
    keys += (keys.empty() ? "" : ", ") + ascii(key);
    if (keys.size() > kShownBytes) break;
  }
  return shortened(keys, kShownBytes);
}

std::string JsonReader::place() const { return source_->where + (path_.empty() ? "" : ": " + path_); }

// A key that is not a plain word (for example a piece of a vocabulary) is quoted, so that a message stays on one line.
std::string JsonReader::path_below(std::string_view key) const {
  if (!is_word(key)) return path_ + "[" + shown_json(key) + "]";
  return path_ + (path_.empty() ? "" : ".") + std::string(key);
}

JsonReader JsonReader::child(const Json& value, std::string_view key) const {
  return {&value, path_below(key), source_};
}

std::string JsonReader::found() const {
  constexpr std::size_t kFewKeys = 16;  // more would hide the rest of the message
  if (value_ != nullptr) return shown_json(*value_);
  if (parent_ == nullptr || parent_->size() > kFewKeys) return "no such key";
  return "no such key; it has " + shown_keys(*parent_);
}

void JsonReader::fail(const std::string& expected, const std::string& found) const {
  source_->fault(place() + ": expected " + expected + ", found " + found);
  RLHF_CHECK(false, "a JsonFault did not throw");
}

JsonReader JsonReader::at(std::string_view key) const {
  const auto found = object().find(key);
  if (found != value_->end()) return child(*found, key);
  JsonReader absent(nullptr, path_below(key), source_);
  absent.parent_ = value_;
  return absent;
}

std::optional<JsonReader> JsonReader::find(std::string_view key) const {
  const auto found = object().find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return child(*found, key);
}

JsonReader JsonReader::item(std::size_t index) const {
  return {&list().at(index), path_ + "[" + std::to_string(index) + "]", source_};
}

const Json& JsonReader::value() const {
  if (is_absent()) fail("a value");
  return *value_;
}

const Json& JsonReader::object(std::string_view expected) const {
  if (!is_object()) fail(std::string(expected));
  return *value_;
}

const Json& JsonReader::list(std::string_view expected) const {
  if (!is_list()) fail(std::string(expected));
  return *value_;
}

const std::string& JsonReader::string(std::string_view expected) const {
  if (!is_string()) fail(std::string(expected));
  return value_->get_ref<const std::string&>();
}

bool JsonReader::boolean() const {
  if (is_absent() || !value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

double JsonReader::number(std::string_view expected) const {
  if (!is_number() || !std::isfinite(value_->get<double>())) fail(std::string(expected));
  return value_->get<double>();
}

double JsonReader::positive_number() const {
  const double number = this->number("a positive number");
  if (!(number > 0)) fail("a positive number");
  return number;
}

std::int64_t JsonReader::integer(std::int64_t low, std::int64_t high) const {
  // The parser stores a number above the range of int64 as unsigned; a conversion would wrap.
  const bool fits = is_number() && value_->is_number_integer() &&
                    (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= std::uint64_t{1} << 62);
  if (!fits || value_->get<std::int64_t>() < low || value_->get<std::int64_t>() > high)
    fail("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return value_->get<std::int64_t>();
}

std::size_t JsonReader::one_of(const std::vector<std::string_view>& names) const {
  const auto name = is_string() ? std::find(names.begin(), names.end(), string()) : names.end();
  if (name != names.end()) return static_cast<std::size_t>(name - names.begin());
  std::string known;
  for (const std::string_view known_name : names) known += (known.empty() ? "" : ", ") + std::string(known_name);
  fail("one of " + known);
}

bool JsonReader::boolean_or(std::string_view key, bool otherwise) const {
  const auto found = find(key);
  return found ? found->boolean() : otherwise;
}

std::string JsonReader::string_or(std::string_view key, std::string otherwise) const {
  const auto found = find(key);
  return found ? found->string() : otherwise;
}

double JsonReader::positive_number_or(std::string_view key, double otherwise) const {
  const auto found = find(key);
  return found ? found->positive_number() : otherwise;
}

void JsonReader::allow_only(const std::vector<std::string_view>& keys) const {
  for (const auto& [key, value] : object().items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      child(value, key).fail("no such key (it is not supported)");
}

}  // namespace rlhf
