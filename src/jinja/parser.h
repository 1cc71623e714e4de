#pragma once

#include <string_view>

#include "jinja/ast.h"

namespace rlhf::jinja {

struct Parsed {
  Body body;
  bool marks_generation = false;  ///< has {% generation %} blocks
  Blocks blocks;                  ///< all {% block %}s by name
  /// What it asks of the clock: nothing, the formats of its calls of strftime_now, or (nullopt) something that only a
  /// rendering can tell.
  std::optional<std::vector<std::string>> clock_formats;
};

/// Compiles a template. Throws TemplateError with line and column for invalid Jinja2, which includes filters and tests
/// that do not exist, except in an if statement or conditional expression, where they fail when they are evaluated.
Parsed parse(std::string_view source);

}  // namespace rlhf::jinja
