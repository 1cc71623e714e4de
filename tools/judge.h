#pragma once

#include <memory>
#include <string>

#include "rlhf/nn/model_folder.h"
#include "rlhf/rollout/reward_source.h"
#include "rlhf/tensor/device.h"

namespace rlhf {

/// Reads the folder of --reward. Throws ModelError unless it has a scalar head.
ModelFolder read_judge_folder(const std::string& path);

/// The reward model of --reward.
class Judge {
 public:
  Judge(const ModelFolder& folder, const Compute& compute)
      : model_(load_scalar_model(folder, compute.device, compute.dtype, /*requires_grad=*/false)) {}

  ScalarModel& model() { return model_; }
  std::unique_ptr<RewardSource> source() { return reward_from_model(model_, kTokensAtOnce); }

  static constexpr std::int64_t kTokensAtOnce = 8192;  ///< of a forward pass

 private:
  ScalarModel model_;
};

/// The dtype for a model: the one that was asked for, or else that of its file.
Compute resolve_compute_of(const ModelFolder& folder, const DeviceChoice& device, DtypeChoice dtype);

}  // namespace rlhf
