// The JSON schema of a config.
#include <nlohmann/json.hpp>

#include "rlhf/config/show_config.h"

#include "config/phrases.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

Json schema_of(const Option& option);

/// Writes whole numbers without a decimal point.
Json number(double x) {
  const auto whole = static_cast<std::int64_t>(x);
  return static_cast<double>(whole) == x ? Json(whole) : Json(x);
}

Json ranged_schema(Json schema, const Range& range) {
  if (range.has_low()) schema[range.low_included ? "minimum" : "exclusiveMinimum"] = number(range.low);
  if (range.has_high()) schema[range.high_included ? "maximum" : "exclusiveMaximum"] = number(range.high);
  return schema;
}

Json schema_of(const Section& section) {
  Json properties = Json::object();
  for (const Option& option : section.options) properties[std::string(option.key)] = schema_of(option);
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

Json schema_of(const Choice& choice) {
  Json names = choice.names;
  if (choice.pattern.empty()) return {{"enum", std::move(names)}, {"default", choice.get()}};
  names.erase(names.size() - 1);
  const Json plain = {{"enum", std::move(names)}}, others = {{"type", "string"}, {"pattern", choice.pattern}};
  return {{"anyOf", {plain, others}}, {"default", choice.get()}};
}

/// The schema of an optional value: null, or the schema of the value; the default is null.
Json schema_of(const Maybe& maybe) {
  Json schema = schema_of(*maybe.shape);
  schema.erase("description");
  schema.erase("default");
  return {{"anyOf", {Json{{"type", "null"}}, std::move(schema)}}, {"default", nullptr}};
}

Json schema_of(std::span<const double> values, const Range& range) {
  return {{"type", "array"},
          {"items", ranged_schema({{"type", "number"}}, range)},
          {"minItems", values.size()},
          {"maxItems", values.size()},
          {"default", std::vector<double>(values.begin(), values.end())}};
}

/// The values of an item, by their keys.
Json value_of(const Section& item) {
  Json value = Json::object();
  for (const Option& option : item.options) value[std::string(option.key)] = schema_of(option)["default"];
  return value;
}

Json schema_of(const StructList& list) {
  Json item = schema_of(*list.shape), defaults = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) defaults.push_back(value_of(list.item(i)));
  if (const Option* brief = short_form(list)) {
    item["required"] = {brief->key};
    item["properties"][std::string(brief->key)].erase("default");
    Json alone = schema_of(*brief);
    alone.erase("default");
    const Json one = {{"anyOf", {std::move(alone), std::move(item)}}}, many = {{"type", "array"}, {"items", one}};
    return {{"anyOf", {one["anyOf"][0], one["anyOf"][1], many}}, {"default", std::move(defaults)}};
  }
  return {{"type", "array"}, {"items", std::move(item)}, {"default", std::move(defaults)}};
}

Json schema_of(const Option& option) {
  Json schema = std::visit(
      Overloaded{[&](std::int64_t* value) {
                   return ranged_schema({{"type", "integer"}, {"default", *value}}, allowed_range(option));
                 },
                 [&](double* value) {
                   return ranged_schema({{"type", "number"}, {"default", *value}}, option.range);
                 },
                 [&](NumberOrAuto* value) {
                   const Json default_value = value->number ? Json(*value->number) : Json("auto");
                   return Json{{"anyOf", {Json{{"const", "auto"}}, ranged_schema({{"type", "number"}}, option.range)}},
                               {"default", default_value}};
                 },
                 [](bool* value) {
                   return Json{{"type", "boolean"}, {"default", *value}};
                 },
                 [](std::string* value) {
                   return Json{{"type", "string"}, {"default", *value}};
                 },
                 [](std::vector<std::string>* value) {
                   return Json{{"anyOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}},
                               {"default", *value}};
                 },
                 [](std::map<std::string, std::string>* value) {
                   return Json{{"type", "object"}, {"additionalProperties", {{"type", "string"}}}, {"default", *value}};
                 },
                 [&](std::span<double> values) { return schema_of(values, option.range); },
                 [](const auto& nested) { return schema_of(nested); }},
      option.slot);
  Json described = {{"description", doc_with_resume(option)}};
  described.update(schema);
  return described;
}

}  // namespace

std::string to_json_schema(const Section& options, std::string_view title) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  schema.update(schema_of(options));
  return schema.dump(2) + "\n";
}

}  // namespace rlhf
