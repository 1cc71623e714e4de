#pragma once

#include <cmath>
#include <string_view>

#include "rlhf/core/check_argument.h"

namespace rlhf {

/// Throws ArgumentError, which names the list of numbers, if one of them is not finite.
template <typename Numbers>
void check_finite(const Numbers& numbers, std::string_view name) {
  for (const double number : numbers) check_argument(std::isfinite(number), name, "finite numbers", number);
}

}  // namespace rlhf
