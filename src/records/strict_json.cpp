// Strict parsing of one record, and descriptions of values for error messages.
#include "records/strict_json.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "rlhf/core/utf8.h"
#include "rlhf/json/json_tree.h"
#include "rlhf/records/jsonl.h"

#include "records/line_reader.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxKeys = 5'000'000;  // keys in a line of at most 64 MiB

// A JSON value as ASCII text, so that it cannot break a line or send control characters to a terminal.
std::string ascii(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

// The parser's message without the position before it and the quoted text after it, which can be megabytes long.
std::string reason(const std::exception& error) {
  std::string text = error.what();
  if (const auto dash = text.find(" - "); dash != std::string::npos) text = text.substr(dash + 3);
  if (const auto bracket = text.find("] "); text.starts_with("[json.") && bracket != std::string::npos)
    text = text.substr(bracket + 2);
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.resize(quote);
  return shortened(text, kShownBytes);
}

class StrictBuilder final : public JsonTreeBuilder {
 public:
  explicit StrictBuilder(const std::string& where) : JsonTreeBuilder(kMaxDepth, kMaxKeys), where_(where) {}

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const auto* syntax = dynamic_cast<const Json::parse_error*>(&error);
    if (syntax == nullptr) refuse("one JSON object", reason(error));  // a number that does not fit
    throw BadRecord(where_ + ": byte " + std::to_string(syntax->byte) +
                    ": expected one JSON object, found broken JSON (" + reason(error) + ")");
  }

 protected:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const override {
    throw BadRecord(where_ + ": expected " + expected + ", found " + found);
  }
  void check_text(const std::string& text) const override {
    if (text.find('\0') != std::string::npos) refuse("text without NUL", "\\u0000");
  }

 private:
  const std::string& where_;
};

void check_bytes(std::string_view text, const std::string& where) {
  if (text.size() > LineReader::kMaxLineBytes)
    throw BadRecord(where + ": expected a line of at most 64 MiB, found a longer one; hint: write one record per line");
  if (text.starts_with("\xEF\xBB\xBF"))
    throw BadRecord(where + ": expected a byte order mark only at the start of the file, found one here");
  if (const auto at = first_invalid_utf8(text)) {
    constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(text[*at]);
    throw BadRecord(where + ": byte " + std::to_string(*at + 1) + ": expected UTF-8, found 0x" + kHex[byte >> 4] +
                    kHex[byte & 15] + "; hint: iconv -t UTF-8 converts other encodings");
  }
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    throw BadRecord(where + ": byte " + std::to_string(at + 1) + ": expected text without NUL, found NUL");
}

}  // namespace

Json parse_object_strictly(std::string_view text, const std::string& where) {
  check_bytes(text, where);
  StrictBuilder builder(where);
  Json::sax_parse(text, &builder);
  Json value = builder.take();
  if (value.is_array())
    throw BadRecord(where + ": expected one JSON object, found " + describe_value(value) +
                    "; hint: name a file with one array of records FILE.json");
  if (!value.is_object()) throw BadRecord(where + ": expected one JSON object, found " + describe_value(value));
  return value;
}

const nlohmann::ordered_json& expect_member(const nlohmann::ordered_json& object, const std::string& key,
                                            bool (nlohmann::ordered_json::*fits)() const noexcept,
                                            const std::string& expected, const std::string& where) {
  const auto found = object.find(key);
  if (found != object.end() && ((*found).*fits)()) return *found;
  throw BadRecord(where + "." + key + ": expected " + expected + ", found " +
                  (found == object.end() ? "no such key; it has " + describe_fields(object) : describe_value(*found)));
}

std::string describe_value(const Json& value) {
  if (value.is_null()) return "null";
  return std::string(value.type_name()) + " " + shortened(ascii(value), kShownBytes);
}

std::string describe_fields(const Json& object) {
  if (object.empty()) return "no field";
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ", ") + ascii(name);
  return shortened(names, kShownBytes);
}

}  // namespace rlhf
