#pragma once

#include "rlhf/config/sycophancy_config.h"

namespace rlhf {

/// rlhf-eval sycophancy: asks a policy or a reward model the questions, prints the figures and writes them as JSON if
/// the config says so. Throws GateError after that if there are two models and sycophancy grew.
void evaluate_sycophancy(const SycophancyConfig& config);

}  // namespace rlhf
