#pragma once

#include <optional>

#include "rlhf/dist/ranks.h"
#include "rlhf/tensor/work_counters.h"

namespace rlhf {

/// Sums the work of all ranks.
void sum_over_ranks(const Ranks& ranks, WorkCounters& work);
/// Sums a figure that some ranks may not have.
void sum_over_ranks(const Ranks& ranks, std::optional<double>& figure);

}  // namespace rlhf
