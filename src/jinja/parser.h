#pragma once

#include <string_view>

#include "jinja/ast.h"

namespace rlhf::jinja {

struct Parsed {
  Body body;
  bool marks_generation = false;  ///< has {% generation %} blocks
};

/// Compiles a template. Throws TemplateError with line and column: what is not Jinja2, and what is not supported (tags,
/// filters and tests by name).
Parsed parse(std::string_view source);

}  // namespace rlhf::jinja
