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

#include "rlhf/jinja/error.h"

namespace rlhf::jinja {

/// The text of a rendered template.
struct Rendering {
  std::string text;
  /// Byte ranges [begin, end) of `text` that {% generation %} blocks wrote, without empty ones.
  std::vector<std::pair<std::size_t, std::size_t>> generations;
};

/// A compiled template: the part of Jinja2 that chat templates use (docs/formats.md has the list). Templates are
/// untrusted: steps, memory and depth are bounded. Immutable; may be used from several threads.
class Template {
 public:
  /// Compiles `source`. Every rendering sees the names of `constants`, an object. Throws TemplateError with line and
  /// column for what is not Jinja2 and for tags, filters and tests that are not supported (by name).
  Template(std::string_view source, const nlohmann::ordered_json& constants);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Whether the template has {% generation %} blocks.
  bool marks_generation() const;

  /// `variables` is an object; its names hide those of `constants`. `now` is the time of strftime_now in seconds since
  /// 1970 (none: the clock). Throws TemplateError with the line.
  Rendering render(const nlohmann::ordered_json& variables, std::optional<std::int64_t> now = std::nullopt) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace rlhf::jinja
