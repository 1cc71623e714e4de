#pragma once

#include <string>

namespace rlhf {

/// The table of rlhf-feedback simulate --power.
std::string power_table();

}  // namespace rlhf
