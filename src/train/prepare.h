#pragma once

#include <memory>
#include <optional>

#include "rlhf/train/method.h"
#include "rlhf/train/setup.h"

#include "resume.h"

namespace rlhf {

/// Resolves device and threads, reads the model folder (or describes a new model) and its tokenizer, and checks that
/// they match. Throws ConfigError if the prompt template of the config differs from that of the folder, unless
/// differences are accepted.
Setup prepare(const RunSettings& settings, const std::optional<ResumePoint>& resume, const RunOptions& options,
              std::shared_ptr<const Ranks> ranks);

}  // namespace rlhf
