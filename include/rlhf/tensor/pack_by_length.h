#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rlhf {

/// Indices of items.
using Groups = std::vector<std::vector<std::size_t>>;

/// Packs items of the given lengths into groups of at most `budget` tokens: longest first, best fit, so that items of
/// similar length are together. Returns groups of indices into `lengths`. Every item is in exactly one group; an item
/// longer than the budget has its own group. The result depends only on `lengths` and `budget`. Throws
/// ArgumentError for a budget below 1 or a negative length.
Groups pack_by_length(std::span<const std::int64_t> lengths, std::int64_t budget);

/// Deals items out to `size` ranks by their costs, the largest first to the rank that has least, and packs those of
/// each rank. Returns the groups of each rank; with fewer items than ranks some have none. For one rank it is
/// pack_by_length().
std::vector<Groups> pack_for_ranks(std::span<const std::int64_t> lengths, std::span<const double> costs,
                                   std::int64_t budget, int size);

}  // namespace rlhf
