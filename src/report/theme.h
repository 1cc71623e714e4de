// Colours and line styles, for pages that follow the reader's setting and for pictures of one theme.
#pragma once

#include <string>

#include "rlhf/report/chart.h"

namespace rlhf {

/// CSS variables (--page, --ink, --soft, …, --c0 … --c5) of light, and of dark where the reader prefers it.
std::string theme_variables();
/// How the shapes of svg.h look, by those variables.
std::string shape_rules();
/// The same with the colours of one theme in place of the variables.
std::string shape_rules(Theme theme);

}  // namespace rlhf
