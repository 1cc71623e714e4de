// The public interface: compiles and renders a template.
#include "rlhf/jinja/template.h"

#include <algorithm>

#include "rlhf/core/utf8.h"

#include "jinja/clock.h"
#include "jinja/evaluator.h"
#include "jinja/json_value.h"
#include "jinja/parser.h"

namespace rlhf::jinja {
namespace {

using Names = std::vector<std::pair<std::string, Value>>;

/// Adds the members of `object` to `names`; they replace names that exist already.
void add_members(Names& names, const nlohmann::ordered_json& object) {
  for (const auto& [name, value] : object.items()) {
    std::erase_if(names, [&name = name](const auto& one) { return one.first == name; });
    names.emplace_back(name, value_of(value));
  }
}

}  // namespace

struct Template::Compiled {
  Parsed parsed;
  Names constants;
};

Template::Template(std::string_view source, const nlohmann::ordered_json& constants) {
  if (const auto bad = first_invalid_utf8(source)) fail("a template that is not UTF-8 at byte " + std::to_string(*bad));
  auto compiled = std::make_unique<Compiled>();
  compiled->parsed = parse(source);
  add_members(compiled->constants, constants);
  compiled_ = std::move(compiled);
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

bool Template::marks_generation() const { return compiled_->parsed.marks_generation; }

std::string Template::clock_text(std::int64_t now) const {
  const auto& formats = compiled_->parsed.clock_formats;
  if (!formats) return std::to_string(now);
  std::string text;
  for (const std::string& format : *formats) text += formatted_time(format, now) + "\n";
  return text;
}

Rendering Template::render(const nlohmann::ordered_json& variables, std::int64_t now) const {
  Machine machine;
  machine.now = now;
  try {
    Names names = compiled_->constants;
    add_members(names, variables);
    Evaluator evaluator(machine, std::move(names), compiled_->parsed.blocks);
    Rendering rendering;
    rendering.text = evaluator.render(compiled_->parsed.body);
    rendering.generations = evaluator.generations();
    rendering.misplaced_generation = evaluator.misplaced_generation();
    std::erase_if(rendering.generations, [](const auto& range) { return range.first == range.second; });
    return rendering;
  } catch (const TemplateError& error) {
    throw TemplateError(error.kind(), error.what(), machine.line, error.column());
  }
}

}  // namespace rlhf::jinja
