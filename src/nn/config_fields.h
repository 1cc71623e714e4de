#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"

namespace rlhf {

/// Typed access to config.json of a model. Every function throws ModelError "FILE: KEY: expected …, found …". A null
/// value counts as absent, as in `transformers`.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::ordered_json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) throw ModelError(where_ + ": expected a JSON object, found " + found(object_));
  }

  const std::string& where() const { return where_; }
  bool has(const std::string& key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  bool mentions(const std::string& key) const { return object_.contains(key); }  ///< also true for null
  const nlohmann::ordered_json& at(const std::string& key) const { return object_.at(key); }

  std::int64_t positive_integer(const std::string& key, std::optional<std::int64_t> fallback = std::nullopt) const {
    if (!has(key) && fallback) return *fallback;
    if (!has(key)) refuse(key, "a positive integer", "no such key");
    const nlohmann::ordered_json& value = at(key);
    if (!value.is_number_integer() || value.get<std::int64_t>() <= 0) refuse(key, "a positive integer", found(value));
    constexpr std::int64_t kLargest = 1'000'000'000;  // so that products of two fit 64 bits
    if (value.get<std::int64_t>() > kLargest) refuse(key, "at most " + std::to_string(kLargest), found(value));
    return value.get<std::int64_t>();
  }
  /// Reads one token id: the value of `key`, or one item of a list under `key`.
  std::int32_t token_id(const std::string& key, const nlohmann::ordered_json& value,
                        const std::string& expected) const {
    using Limits = std::numeric_limits<std::int32_t>;
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= std::uint64_t{Limits::max()}
                          : value.is_number_integer() && value.get<std::int64_t>() >= Limits::min();
    if (!fits) refuse(key, expected, found(value));
    return value.get<std::int32_t>();
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
  static std::string found(const nlohmann::ordered_json& value) { return shown_json(value); }

 private:
  const nlohmann::ordered_json& object_;
  std::string where_;
};

}  // namespace rlhf
