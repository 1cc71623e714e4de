#pragma once

#include <string_view>

#include "jinja/ast.h"

namespace rlhf::jinja {

struct Parsed {
  Body body;
  bool marks_generation = false;  ///< has {% generation %} blocks
};

/// Compiles a template. Throws TemplateError with line and column for invalid Jinja2 and for unsupported tags, filters
/// and tests (named in the message).
Parsed parse(std::string_view source);

}  // namespace rlhf::jinja
