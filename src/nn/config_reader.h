#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {

/// A reader of a model's config.json. Every function throws ModelError "FILE: KEY: expected …, found …". A null value
/// counts as absent, as in `transformers`.
inline JsonReader config_reader(const nlohmann::ordered_json& config, std::string where) {
  return {config, std::move(where), throw_as<ModelError>};
}

/// Reads a size that is small enough for products of two sizes to fit 64 bits.
inline std::int64_t positive_integer(const JsonReader& value) {
  constexpr std::int64_t kLargest = 1'000'000'000;
  if (!value.is_integer() || value.value().get<std::int64_t>() <= 0) value.fail("a positive integer");
  if (value.value().get<std::int64_t>() > kLargest) value.fail("at most " + std::to_string(kLargest));
  return value.value().get<std::int64_t>();
}
inline std::int64_t positive_integer_or(const JsonReader& config, std::string_view key, std::int64_t otherwise) {
  const auto found = config.find(key);
  return found ? positive_integer(*found) : otherwise;
}

inline std::int32_t token_id(const JsonReader& value, const std::string& expected = "a token id") {
  using Limits = std::numeric_limits<std::int32_t>;
  const bool is_integer = value.is_integer();
  const bool fits = is_integer && (value.value().is_number_unsigned()
                                       ? value.value().get<std::uint64_t>() <= std::uint64_t{Limits::max()}
                                       : value.value().get<std::int64_t>() >= Limits::min());
  if (!fits) value.fail(expected);
  return value.value().get<std::int32_t>();
}

}  // namespace rlhf
