#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlhf {

/// One completion was preferred to another of the same prompt. Completions are numbered from 0 over all prompts; equal
/// texts of one prompt have one number.
struct Comparison {
  std::int32_t better = 0;
  std::int32_t worse = 0;
};

/// Two completions that were compared with both results.
struct Contradiction {
  std::int32_t first = 0;  ///< the smaller number
  std::int32_t second = 0;
  std::int64_t first_better = 0;   ///< comparisons that prefer `first`
  std::int64_t second_better = 0;  ///< at least 1, as first_better
};
/// In the order of (first, second). Errors: ArgumentError for a negative number or a completion compared with itself.
std::vector<Contradiction> find_contradictions(const std::vector<Comparison>& comparisons);

/// Completions that the majority of comparisons cannot rank: each is better than another of them, directly or over
/// others, and also worse (a strongly connected component of the graph of majorities; pairs that are even are left
/// out).
struct PreferenceCycle {
  std::vector<std::int32_t> completions;  ///< all of them, ascending; at least 3
  std::vector<std::int32_t> example;  ///< a shortest cycle through the first: each is better than the next, the last
                                      ///< better than the first
};
/// In the order of their first completions. Errors: as find_contradictions.
std::vector<PreferenceCycle> find_cycles(const std::vector<Comparison>& comparisons);

/// The two completions of an item, numbered as above.
struct CompletionPair {
  std::int32_t first = 0;
  std::int32_t second = 0;
};
struct DuplicateItems {
  std::vector<std::vector<std::int32_t>> same_pair;  ///< groups of items with the same two completions, in any order
  std::vector<std::int32_t> same_completion;         ///< items whose completions are the same
};
/// Errors: ArgumentError for a negative number.
DuplicateItems find_duplicates(const std::vector<CompletionPair>& items);

}  // namespace rlhf
