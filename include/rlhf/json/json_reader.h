#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace rlhf {

/// A function that throws an error with a message. It sets the class of all errors of a document: throw_as<ModelError>
/// for the files of a model, throw_as<BadRecord> for a record of a data file.
using JsonFault = void (*)(const std::string& message);
template <typename E>
[[noreturn]] void throw_as(const std::string& message) {
  throw E(message);
}

/// A value for an error message: JSON in ASCII on one line, at most 80 bytes; only the size of a large object or list.
std::string shown_json(const nlohmann::ordered_json& value);
/// The keys of an object for an error message, at most 80 bytes: `"a", "b"`, or "no field".
std::string shown_keys(const nlohmann::ordered_json& object);

/// A value of a JSON document together with its path of keys. The document must outlive it. Every function throws
/// "WHERE: KEYS: expected …, found …" if the value is not as required, for example
///   config.json: rope_scaling.factor: expected a positive number, found -2
///   data.jsonl:3: messages[0].role: expected a string, found no such key; it has "content"
class JsonReader {
 public:
  /// `where` is the beginning of every error: a file, or a file and a line.
  JsonReader(const nlohmann::ordered_json& document, std::string where, JsonFault fault)
      : value_(&document), source_(std::make_shared<const Source>(Source{std::move(where), fault})) {}

  /// A member of an object. If there is no such key, the result is absent, and every function that reads it throws.
  JsonReader at(std::string_view key) const;
  std::optional<JsonReader> find(std::string_view key) const;  ///< nullopt if absent or null
  bool has(std::string_view key) const { return find(key).has_value(); }
  JsonReader item(std::size_t index) const;  ///< an item of a list; `index` must be below its size
  /// Calls visit(key, reader) for each member of an object, in the order of the document.
  template <typename Visit>
  void for_each_entry(Visit&& visit) const {
    for (const auto& [key, value] : object().items()) visit(key, child(value, key));
  }
  /// Calls visit(reader) for each item of a list.
  template <typename Visit>
  void for_each_item(Visit&& visit) const {
    for (std::size_t i = 0; i < list().size(); ++i) visit(item(i));
  }

  bool is_absent() const { return value_ == nullptr; }
  bool is_null() const { return value_ != nullptr && value_->is_null(); }
  bool is_string() const { return value_ != nullptr && value_->is_string(); }
  bool is_integer() const { return value_ != nullptr && value_->is_number_integer(); }
  bool is_number() const { return value_ != nullptr && value_->is_number(); }
  bool is_object() const { return value_ != nullptr && value_->is_object(); }
  bool is_list() const { return value_ != nullptr && value_->is_array(); }

  // `expected` replaces the description of the type in the error.
  const nlohmann::ordered_json& object(std::string_view expected = "an object") const;
  const nlohmann::ordered_json& list(std::string_view expected = "a list") const;
  const std::string& string(std::string_view expected = "a string") const;
  bool boolean() const;
  double number(std::string_view expected = "a number") const;  ///< a finite number
  double positive_number() const;                               ///< above 0
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  /// The index of a string among `names`.
  std::size_t one_of(const std::vector<std::string_view>& names) const;
  const nlohmann::ordered_json& value() const;  ///< of any kind, but not absent

  // The value of a key, or `otherwise` if it is absent or null.
  bool boolean_or(std::string_view key, bool otherwise) const;
  std::string string_or(std::string_view key, std::string otherwise) const;
  double positive_number_or(std::string_view key, double otherwise) const;

  /// Throws if the object has a key that is not one of these.
  void allow_only(const std::vector<std::string_view>& keys) const;

  /// Throws an error about this value.
  [[noreturn]] void fail(const std::string& expected) const { fail(expected, found()); }
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;

  std::string place() const;  ///< "WHERE: KEYS"

 private:
  struct Source {
    std::string where;
    JsonFault fault;
  };
  JsonReader(const nlohmann::ordered_json* value, std::string path, std::shared_ptr<const Source> source)
      : value_(value), source_(std::move(source)), path_(std::move(path)) {}
  JsonReader child(const nlohmann::ordered_json& value, std::string_view key) const;
  std::string path_below(std::string_view key) const;
  std::string found() const;

  const nlohmann::ordered_json* value_;             ///< null: absent
  const nlohmann::ordered_json* parent_ = nullptr;  ///< of an absent value: the object that has no such key
  std::shared_ptr<const Source> source_;
  std::string path_;
};

/// Limits of a document.
struct JsonLimits {
  std::size_t max_depth = 64;
  std::size_t max_keys = 5'000'000;
  bool allow_escaped_nul = true;  ///< "\u0000" in a text
  bool allow_non_finite = false;  ///< NaN, Infinity and -Infinity as numbers, as Python writes them
};

/// Parses an untrusted JSON text: UTF-8 without NUL, unique keys, numbers that a double holds. Does not recurse. The
/// time is linear in the size of the text, with a factor log(n) for an object of n keys (the builder of nlohmann::json
/// takes quadratic time for ordered objects). Throws "WHERE: expected …, found …".
nlohmann::ordered_json parse_json(std::string_view text, const std::string& where, JsonFault fault,
                                  const JsonLimits& limits = {});
/// The same for a text that must be an object.
nlohmann::ordered_json parse_json_object(std::string_view text, const std::string& where, JsonFault fault,
                                         const JsonLimits& limits = {});

}  // namespace rlhf
