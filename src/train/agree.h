#pragma once

#include <string>

#include "rlhf/dist/ranks.h"
#include "rlhf/train/fingerprint.h"

namespace rlhf {

/// The text of rank 0 on all ranks.
std::string from_first(const Ranks& ranks, const std::string& text, const std::string& what);

/// Throws ConfigError, on all ranks, if one of them has another config, other data, another machine or program than
/// rank 0: with the rank, the entry and both values.
void check_equal_on_ranks(const Ranks& ranks, Fingerprint fingerprint);

}  // namespace rlhf
