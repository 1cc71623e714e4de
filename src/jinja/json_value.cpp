// Converts JSON to Python values.
#include "jinja/json_value.h"

#include <algorithm>
#include <limits>

#include "rlhf/core/utf8.h"

namespace rlhf::jinja {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxJsonDepth = 90;  // below kMaxValueDepth, so that a template can put lists around a value

std::string checked(const std::string& text) {
  if (const auto bad = first_invalid_utf8(text))
    fail("a text that is not UTF-8 at byte " + std::to_string(*bad) + ": \"" + shortened(text.substr(0, *bad), 40) +
         "…\"");
  return text;
}

Value converted(const Json& json, int depth) {
  if (depth > kMaxJsonDepth) fail("JSON nested deeper than 90");
  switch (json.type()) {
    case Json::value_t::null:
      return Value(None{});
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(checked(json.get_ref<const std::string&>()));
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        fail("a whole number beyond 64 bits, which is not supported: " + std::to_string(number));
      return Value(static_cast<std::int64_t>(number));
    }
    case Json::value_t::array: {
      Sequence list;
      for (const Json& item : json) {
        list.items.push_back(converted(item, depth + 1));
        list.depth = std::max(list.depth, list.items.back().depth() + 1);
      }
      return Value(std::make_shared<const Sequence>(std::move(list)));
    }
    case Json::value_t::object: {
      Mapping mapping;
      for (const auto& [key, value] : json.items()) mapping.set(Value(checked(key)), converted(value, depth + 1));
      return Value(std::make_shared<const Mapping>(std::move(mapping)));
    }
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  fail("JSON of an unsupported kind");
}

}  // namespace

Value value_of(const nlohmann::ordered_json& json) { return converted(json, 0); }

}  // namespace rlhf::jinja
