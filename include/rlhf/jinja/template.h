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

/// The result of rendering a template.
struct Rendering {
  std::string text;
  /// Byte ranges [begin, end) of `text` that {% generation %} blocks wrote, without empty ones.
  std::vector<std::pair<std::size_t, std::size_t>> generations;
};

/// A compiled template. Supports the part of Jinja2 that chat templates use (the list is in docs/formats.md). Templates
/// are untrusted: steps, memory and depth are bounded. Immutable and thread-safe.
class Template {
 public:
  /// Compiles `source`. The members of the object `constants` are variables of every rendering. Throws TemplateError
  /// with line and column for invalid Jinja2 and for unsupported tags, filters and tests (named in the message).
  Template(std::string_view source, const nlohmann::ordered_json& constants);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Whether the template has {% generation %} blocks.
  bool marks_generation() const;

  /// Renders the template. The members of the object `variables` hide constants of the same name. `now` is the time for
  /// strftime_now in seconds since 1970 (default: the clock). Throws TemplateError with the line.
  Rendering render(const nlohmann::ordered_json& variables, std::optional<std::int64_t> now = std::nullopt) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace rlhf::jinja
