#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rlhf/dist/ranks.h"
#include "rlhf/rollout/generator.h"

/// What of a rollout a rank samples and scores: consecutive responses. Who does what depends only on counts and lengths
/// and not on who is faster, because the rounding of batched products, and with it the bits of a run, depends on it.
namespace rlhf {

/// The items that a rank has: from `begin` to before `end`.
struct RankShare {
  std::size_t begin = 0, end = 0;

  std::size_t size() const { return end - begin; }
};

/// Divides items of these costs, all above 0, into one share for each rank: item i belongs to the rank in whose part of
/// the sum of all costs its middle lies. A share differs from the mean by at most the largest cost.
RankShare share_of_rank(std::span<const std::int64_t> costs, int rank, int size);
/// The same for `count` equal items.
RankShare share_of_rank(std::size_t count, int rank, int size);

/// The responses of all ranks, `count` of at most `max_tokens` tokens each. `own` are those of `share`, this rank's.
std::vector<Generation> exchange_generations(std::vector<Generation> own, RankShare share, std::size_t count,
                                             std::int64_t max_tokens, const Ranks& ranks);

}  // namespace rlhf
