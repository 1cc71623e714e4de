#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

namespace rlhf {

/// Typed reading of a model's config.json. Every fault is a ModelError "FILE: KEY: expected …, found …".
/// A key that is null counts as absent, as it does in `transformers`.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::ordered_json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) throw ModelError(where_ + ": expected a JSON object, found " + found(object_));
  }

  const std::string& where() const { return where_; }
  bool has(const std::string& key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  bool mentions(const std::string& key) const { return object_.contains(key); }  ///< null or not
  const nlohmann::ordered_json& at(const std::string& key) const { return object_.at(key); }

  std::int64_t positive_integer(const std::string& key, std::optional<std::int64_t> fallback = std::nullopt) const {
    if (!has(key) && fallback) return *fallback;
    if (!has(key)) refuse(key, "a positive integer", "no such key");
    const nlohmann::ordered_json& value = at(key);
    if (!value.is_number_integer() || value.get<std::int64_t>() <= 0) refuse(key, "a positive integer", found(value));
    return value.get<std::int64_t>();
  }
  double positive_number(const std::string& key, double fallback) const {
    if (!has(key)) return fallback;
    const nlohmann::ordered_json& value = at(key);
    if (!value.is_number() || !(value.get<double>() > 0)) refuse(key, "a positive number", found(value));
    return value.get<double>();
  }
  bool flag(const std::string& key, bool fallback) const {
    if (!has(key)) return fallback;
    if (!at(key).is_boolean()) refuse(key, "true or false", found(at(key)));
    return at(key).get<bool>();
  }
  std::string text(const std::string& key, const std::string& fallback) const {
    if (!has(key)) return fallback;
    if (!at(key).is_string()) refuse(key, "a string", found(at(key)));
    return at(key).get<std::string>();
  }
  ConfigFields section(const std::string& key) const { return {at(key), where_ + ": " + key}; }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const std::string& what_was_found) const {
    throw ModelError(where_ + ": " + key + ": expected " + expected + ", found " + what_was_found);
  }
  /// A value as an error message shows it: one line, never long.
  static std::string found(const nlohmann::ordered_json& value) {
    const std::string text = value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return text.size() <= 60 ? text : std::string("a longer ") + value.type_name();
  }

 private:
  const nlohmann::ordered_json& object_;
  std::string where_;
};

}  // namespace rlhf
