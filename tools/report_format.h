#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/feedback/grouped_mean.h"

namespace rlhf {

/// A number with so many decimals; "-" for nullopt.
std::string shown_number(std::optional<double> value, int decimals = 3);
/// A share as "51.3 %"; "-" for nullopt.
std::string shown_share(std::optional<double> share);
/// "51.3 % [46.6, 56.0]".
std::string shown_share(const Estimate& estimate);
/// A difference of shares in percentage points: "+4.1 points [-1.0, 9.3]".
std::string shown_points(const Estimate& estimate);
/// "0.691 [0.650, 0.733]".
std::string shown_number(const Estimate& estimate, int decimals = 3);

/// Rows of cells as lines: the first column is aligned on the left, the others on the right, two spaces between them.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace rlhf
