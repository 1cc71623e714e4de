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

using Groups = std::vector<std::vector<std::size_t>>;

/// Packs items for `size` ranks, and returns the groups of each rank: at least as many groups as ranks if there are as
/// many items, dealt out by their cost, tokens plus squares of lengths / 4096, the largest first to the rank that has
/// least. All ranks together have every item once; for one rank it is pack_by_length().
std::vector<Groups> pack_for_ranks(std::span<const std::int64_t> lengths, std::int64_t budget, int size);

}  // namespace rlhf
