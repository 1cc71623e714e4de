// The style sheet and the script of a page.
#pragma once

#include <string>

namespace rlhf {

std::string page_style();
/// The script that shows the values of curves at the pointer. It has no "<" and no "&", so that the page is also valid
/// XML.
std::string page_script();
}  // namespace rlhf
