// Colours and line styles: for pages, which follow the reader's setting, and for pictures of one theme.
#pragma once

#include <string>

#include "rlhf/report/chart.h"

namespace rlhf {

/// CSS variables (--page, --ink, --soft, …, --c0 … --c5) for light and, if the reader prefers it, dark pages.
std::string theme_variables();
/// The CSS rules for the shapes of svg.h, with these variables.
std::string shape_rules();
/// The same with the colours of one theme instead of the variables.
std::string shape_rules(Theme theme);

}  // namespace rlhf
