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
  /// Whether a {% generation %} block was inside a macro or another block whose text is captured: its position in
  /// `text` is unknown.
  bool misplaced_generation = false;
};

/// A compiled template. Renders like Jinja2's immutable sandbox in the settings of `transformers` (docs/formats.md
/// lists the differences). Templates are untrusted: steps, memory and depth are bounded. Immutable and thread-safe.
class Template {
 public:
  /// Compiles `source`. The members of the object `constants` are variables of every rendering. Throws TemplateError
  /// with line and column for invalid Jinja2. A filter or test that does not exist is an error here, or, inside an if
  /// statement or conditional expression, where it is evaluated (as in Jinja2).
  Template(std::string_view source, const nlohmann::ordered_json& constants);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Whether the template has {% generation %} blocks.
  bool marks_generation() const;

  /// Renders the template. The members of the object `variables` hide constants of the same name. `now` is the local
  /// time for strftime_now: seconds from 1970-01-01 00:00 of the same calendar. Throws TemplateError with the line.
  Rendering render(const nlohmann::ordered_json& variables, std::int64_t now) const;

  /// All that renderings can read from the clock at `now`: two moments with equal texts give equal renderings. Empty if
  /// the template does not use strftime_now.
  std::string clock_text(std::int64_t now) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace rlhf::jinja
