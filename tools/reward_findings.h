#pragma once

#include <string>
#include <vector>

#include "reward_report.h"

namespace rlhf {

/// What speaks against the model, or against the data that it is evaluated on, one line each: no knowledge beyond
/// chance or beyond the lengths, a preference for long or short answers, accuracy above the noise ceiling, scores that
/// depend on the order of reading. Reads the other parts of the report.
std::vector<std::string> reward_findings(const RewardReport& report);

}  // namespace rlhf
