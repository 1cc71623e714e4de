#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rlhf {

/// Packs items of the given lengths into groups of at most `budget` tokens: longest first, best fit, so that items of
/// similar length are together. Returns groups of indices into `lengths`. Every item is in exactly one group; an item
/// longer than the budget has its own group. The result depends only on `lengths` and `budget`. Throws
/// ArgumentError for a budget below 1 or a negative length.
std::vector<std::vector<std::size_t>> pack_by_length(std::span<const std::int64_t> lengths, std::int64_t budget);

}  // namespace rlhf
