#include "files/strict_json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

#include "files/line_reader.h"

namespace rlhf {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 80;
constexpr int kMaxDepth = 64;

// Text of a JSON value in ASCII, so that nothing in it can break a line or a terminal.
std::string ascii(const json& value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

// Refuses what JSON's grammar lets pass: duplicate keys, NUL in strings, and nesting that no record needs.
class Strictness {
 public:
  explicit Strictness(const std::string& where) : where_(where) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys_.emplace_back();
        check_depth(depth);
        break;
      case json::parse_event_t::array_start:
        check_depth(depth);
        break;
      case json::parse_event_t::object_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys_.back().insert(parsed.get<std::string>()).second)
          fail("every field once", "the field " + shortened(ascii(parsed), kShownBytes) + " twice");
        check_string(parsed);
        break;
      case json::parse_event_t::value:
        if (parsed.is_string()) check_string(parsed);
        break;
      case json::parse_event_t::array_end:
        break;
    }
    return true;
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw DataError(where_ + ": expected " + expected + ", found " + found);
  }
  void check_depth(int depth) const {
    if (depth >= kMaxDepth) fail("at most " + std::to_string(kMaxDepth) + " levels of nesting", "more");
  }
  void check_string(const json& text) const {
    if (text.get_ref<const std::string&>().find('\0') != std::string::npos) fail("text without NUL", "\\u0000");
  }

  const std::string& where_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

void check_bytes(std::string_view text, const std::string& where) {
  if (text.size() > LineReader::kMaxLineBytes)
    throw DataError(where + ": expected a line of at most 64 MiB, found a longer one; hint: one record a line");
  if (text.starts_with("\xEF\xBB\xBF"))
    throw DataError(where + ": expected a byte order mark at the start of the file only, found one here");
  if (const auto at = first_invalid_utf8(text)) {
    constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(text[*at]);
    throw DataError(where + ": byte " + std::to_string(*at + 1) + ": expected UTF-8, found 0x" + kHex[byte >> 4] +
                    kHex[byte & 15] + "; hint: iconv -t UTF-8 converts other encodings");
  }
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    throw DataError(where + ": byte " + std::to_string(at + 1) + ": expected text without NUL, found NUL");
}

// The parser's own words between its position and the text it quotes, which can be megabytes long.
std::string reason(const json::exception& error) {
  std::string text = error.what();
  if (const auto dash = text.find(" - "); dash != std::string::npos) text = text.substr(dash + 3);
  if (const auto bracket = text.find("] "); text.starts_with("[json.") && bracket != std::string::npos)
    text = text.substr(bracket + 2);
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.resize(quote);
  return shortened(text, kShownBytes);
}

}  // namespace

json parse_object_strictly(std::string_view text, const std::string& where) {
  check_bytes(text, where);
  json value;
  try {
    value = json::parse(text, Strictness(where));
  } catch (const json::parse_error& error) {
    throw DataError(where + ": byte " + std::to_string(error.byte) + ": expected one JSON object, found broken JSON (" +
                    reason(error) + ")");
  } catch (const json::exception& error) {
    throw DataError(where + ": expected one JSON object, found " + reason(error));
  }
  if (value.is_array())
    throw DataError(where + ": expected one JSON object, found " + describe_value(value) +
                    "; hint: a file that is one array becomes JSONL with: jq -c '.[]' FILE");
  if (!value.is_object()) throw DataError(where + ": expected one JSON object, found " + describe_value(value));
  return value;
}

std::string describe_value(const json& value) {
  if (value.is_null()) return "null";
  return std::string(value.type_name()) + " " + shortened(ascii(value), kShownBytes);
}

std::string describe_fields(const json& object) {
  if (object.empty()) return "no field";
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ", ") + ascii(name);
  return shortened(names, kShownBytes);
}

}  // namespace rlhf
