// The style sheet of a page.
#pragma once

#include <string>

namespace rlhf {

std::string page_style();
}  // namespace rlhf
