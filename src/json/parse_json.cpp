// Parses JSON strictly, with limits and without recursion.
#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rlhf/core/check.h"
#include "rlhf/core/utf8.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse_json(const std::string& where, JsonFault fault, const std::string& expected,
                              const std::string& found) {
  fault(where + ": expected " + expected + ", found " + found);
  RLHF_CHECK(false, "a JsonFault did not throw");
}

std::string byte_place(const std::string& where, std::size_t byte) { return where + ": byte " + std::to_string(byte); }

std::string hex_byte(char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {'0', 'x', kHex[byte >> 4], kHex[byte & 15]};
}

/// Throws if the text is not UTF-8.
void refuse_other_text(std::string_view text, const std::string& where, JsonFault fault) {
  if (const auto at = first_invalid_utf8(text))
    refuse_json(byte_place(where, *at + 1), fault, "UTF-8",
                hex_byte(text[*at]) + "; hint: iconv -t UTF-8 converts other encodings");
}

/// What stands for a word that JSON does not have: a number in a spelling that nobody uses. The parser passes the
/// spelling on.
struct NonFinite {
  std::string_view word, number;
  double value;
};
constexpr NonFinite kNonFinite[] = {
    {"NaN", "0.0e-07071", std::numeric_limits<double>::quiet_NaN()},
    {"-Infinity", "0.0e-07072", -std::numeric_limits<double>::infinity()},
    {"Infinity", "0.0e-07073", std::numeric_limits<double>::infinity()},
};

/// The text with a number for each word of kNonFinite that is not in a string; empty if there is none.
std::string with_numbers(std::string_view text) {
  if (text.find("NaN") == std::string_view::npos && text.find("Infinity") == std::string_view::npos) return "";
  std::string replaced;
  bool in_string = false, escaped = false, any = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto* word = in_string ? std::end(kNonFinite) : std::ranges::find_if(kNonFinite, [&](const NonFinite& one) {
      return text.substr(i).starts_with(one.word);
    });
    if (word != std::end(kNonFinite)) {
      replaced += word->number;
      i += word->word.size();
      any = true;
      continue;
    }
    const char c = text[i++];
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
    replaced += c;
  }
  return any ? replaced : "";
}

/// The parser's message without the position before it and the quoted text after it, which can be megabytes long.
std::string reason(const std::exception& error) {
  constexpr std::size_t kShownOfValue = 80;
  std::string text = error.what();
  if (const auto dash = text.find(" - "); dash != std::string::npos) text = text.substr(dash + 3);
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.resize(quote);
  return shortened(text, kShownOfValue);
}

/// A key that occurs twice in an object, or null.
const std::string* find_twice(const Json::object_t& object) {
  std::vector<const std::string*> keys;
  keys.reserve(object.size());
  for (const auto& [key, value] : object) keys.push_back(&key);
  std::sort(keys.begin(), keys.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
  const auto twice =
      std::adjacent_find(keys.begin(), keys.end(), [](const std::string* a, const std::string* b) { return *a == *b; });
  return twice == keys.end() ? nullptr : *twice;
}

/// Builds the value from parser events.
class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, const std::string& where, JsonFault fault, const JsonLimits& limits)
      : text_(text), where_(where), fault_(fault), limits_(limits) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& spelling) override {
    if (value != 0 || !limits_.allow_non_finite) return add(value);
    const auto* word = std::ranges::find(kNonFinite, std::string_view(spelling), &NonFinite::number);
    return add(word == std::end(kNonFinite) ? value : word->value);
  }
  bool string(string_t& value) override {
    check_text(value);
    return add(std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(string_t& name) override {
    check_text(name);
    if (++num_keys_ > limits_.max_keys) refuse("at most " + std::to_string(limits_.max_keys) + " keys", "more");
    key_ = std::move(name);
    return true;
  }
  bool end_object() override {
    if (const std::string* key = find_twice(open_.back()->get_ref<Json::object_t&>()))
      refuse("unique keys", shown_json(*key) + " twice");
    return end_array();
  }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool parse_error(std::size_t, const std::string& token, const nlohmann::detail::exception& error) override {
    const auto* syntax = dynamic_cast<const Json::parse_error*>(&error);
    if (syntax == nullptr) refuse("a number that a double holds", shown_json(token));
    refuse_other_text(text_, where_, fault_);
    refuse_json(byte_place(where_, syntax->byte), fault_, "JSON", "broken JSON (" + reason(error) + ")");
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    refuse_json(where_, fault_, expected, found);
  }
  void check_text(const std::string& text) const {
    if (!limits_.allow_escaped_nul && text.find('\0') != std::string::npos) refuse("text without NUL", "\\u0000");
  }
  /// Adds the value to the open list or object and returns its address, which is stable while the value is open.
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    // emplace_back of the vector does not search for the key, unlike emplace of the object.
    auto& object = open_.back()->get_ref<Json::object_t&>();
    return &object.emplace_back(std::move(key_), std::move(value)).second;
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= limits_.max_depth)
      refuse("at most " + std::to_string(limits_.max_depth) + " levels of nesting", "more");
    open_.push_back(place(std::move(value)));
    return true;
  }

  std::string_view text_;
  const std::string& where_;
  JsonFault fault_;
  const JsonLimits& limits_;
  std::size_t num_keys_ = 0;
  Json root_;
  std::string key_;
  std::vector<Json*> open_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where, JsonFault fault, const JsonLimits& limits) {
  // The parser would treat a NUL as the end of the text and ignore the rest.
  if (const auto at = text.find('\0'); at != std::string_view::npos) {
    refuse_other_text(text, where, fault);
    refuse_json(byte_place(where, at + 1), fault, "text without NUL", "NUL");
  }
  const std::string replaced = limits.allow_non_finite ? with_numbers(text) : "";
  const std::string_view parsed = replaced.empty() ? text : replaced;
  TreeBuilder builder(parsed, where, fault, limits);
  Json::sax_parse(parsed, &builder);
  return builder.take();
}

Json parse_json_object(std::string_view text, const std::string& where, JsonFault fault, const JsonLimits& limits) {
  Json value = parse_json(text, where, fault, limits);
  JsonReader(value, where, fault).object("a JSON object");
  return value;
}

}  // namespace rlhf
