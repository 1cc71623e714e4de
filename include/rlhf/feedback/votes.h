#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlhf {

/// One answer of one annotator about one item (a pair of completions, say). Indices count from 0.
struct Vote {
  std::int32_t item = 0;
  std::int32_t annotator = 0;
  std::int32_t choice = 0;
};

/// Votes in any order. Items and annotators without votes are allowed. A tie is a choice of its own: three choices for
/// "first", "second", "tie".
struct Votes {
  std::int32_t items = 0;       ///< at least 1
  std::int32_t annotators = 0;  ///< at least 1
  std::int32_t choices = 0;     ///< at least 2
  std::vector<Vote> list;       ///< at least 1
};

/// Throws ArgumentError, which names the vote, for an index or a size outside its range.
void check_votes(const Votes& votes);

/// How many votes each choice got on each item.
struct VoteCounts {
  std::int32_t items = 0;
  std::int32_t choices = 0;
  std::vector<std::int32_t> counts;  ///< [items, choices], row-major
};

/// The counts that measures of agreement are computed from. Errors: ArgumentError, also if all votes are of one
/// annotator, or two votes on one item are (then one person would agree with himself).
VoteCounts count_votes(const Votes& votes);

/// The rows `items` of `counts`, in this order; an item may be repeated. For bootstrap_interval. Errors: ArgumentError.
VoteCounts select_items(const VoteCounts& counts, const std::vector<std::size_t>& items);

/// The choices of two annotators on the items that both voted on, in the order of the items.
struct PairedChoices {
  std::int32_t choices = 0;
  std::vector<std::int32_t> first;   ///< [N]
  std::vector<std::int32_t> second;  ///< [N]
};

/// Errors: ArgumentError, also if the annotators are the same, or one voted twice on an item.
PairedChoices paired_choices(const Votes& votes, std::int32_t first, std::int32_t second);

}  // namespace rlhf
