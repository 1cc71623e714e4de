#include "files/strict_json.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

#include "files/line_reader.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kMaxDepth = 64;

// Text of a JSON value in ASCII, so that nothing in it can break a line or a terminal.
std::string ascii(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

// The parser's own words between its position and the text it quotes, which can be megabytes long.
std::string reason(const std::exception& error) {
  std::string text = error.what();
  if (const auto dash = text.find(" - "); dash != std::string::npos) text = text.substr(dash + 3);
  if (const auto bracket = text.find("] "); text.starts_with("[json.") && bracket != std::string::npos)
    text = text.substr(bracket + 2);
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.resize(quote);
  return shortened(text, kShownBytes);
}

// Builds the value and refuses what JSON's grammar lets pass: duplicate keys, NUL in strings, and nesting that no
// record needs. The library's own builder takes time quadratic in the elements of a list where it is asked to check.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(const std::string& where) : where_(where) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override {
    check_string(value);
    return add(std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // JSON text has none

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override {
    keys_.pop_back();
    return close();
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    check_string(name);
    if (!keys_.back().insert(name).second)
      fail("every field once", "the field " + shortened(ascii(name), kShownBytes) + " twice");
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const auto* syntax = dynamic_cast<const Json::parse_error*>(&error);
    if (syntax == nullptr) fail("one JSON object", reason(error));  // a number that does not fit
    throw DataError(where_ + ": byte " + std::to_string(syntax->byte) +
                    ": expected one JSON object, found broken JSON (" + reason(error) + ")");
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw DataError(where_ + ": expected " + expected + ", found " + found);
  }
  void check_string(const std::string& text) const {
    if (text.find('\0') != std::string::npos) fail("text without NUL", "\\u0000");
  }

  // Puts the value where it belongs and returns its place, which stays while the value is open.
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    auto& object = open_.back()->get_ref<Json::object_t&>();
    return &object.emplace_back(std::move(key_), std::move(value)).second;  // the key is known to be new
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= kMaxDepth) fail("at most " + std::to_string(kMaxDepth) + " levels of nesting", "more");
    if (value.is_object()) keys_.emplace_back();
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const std::string& where_;
  Json root_;
  std::string key_;
  std::vector<Json*> open_;
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

}  // namespace

Json parse_object_strictly(std::string_view text, const std::string& where) {
  check_bytes(text, where);
  StrictBuilder builder(where);
  Json::sax_parse(text, &builder);
  Json value = builder.take();
  if (value.is_array())
    throw DataError(where + ": expected one JSON object, found " + describe_value(value) +
                    "; hint: a file that is one array of records has a name that ends in .json");
  if (!value.is_object()) throw DataError(where + ": expected one JSON object, found " + describe_value(value));
  return value;
}

const nlohmann::ordered_json& expect_member(const nlohmann::ordered_json& object, const std::string& key,
                                            bool (nlohmann::ordered_json::*fits)() const noexcept,
                                            const std::string& expected, const std::string& where) {
  const auto found = object.find(key);
  if (found != object.end() && ((*found).*fits)()) return *found;
  throw DataError(where + "." + key + ": expected " + expected + ", found " +
                  (found == object.end() ? "nothing; it has " + describe_fields(object) : describe_value(*found)));
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
