#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rlhf {

/// Packs items of the given lengths under a token budget: longest first, best fit, items of like length together.
/// Returns groups of indices into `lengths`; every item lands in exactly one group, an item longer than the budget
/// alone in its own. Groups and their contents are a function of `lengths` and `budget` alone.
std::vector<std::vector<std::size_t>> pack_by_length(std::span<const std::int64_t> lengths, std::int64_t budget);

}  // namespace rlhf
