// The style sheet and the script of a page.
#pragma once

#include <string>

namespace rlhf {

std::string page_style();
/// Shows the values of the curves under the pointer. It has no "<" and no "&", so that the page is XML as well.
std::string page_script();
}  // namespace rlhf
