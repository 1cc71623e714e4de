#pragma once

#include <tuple>

#include "rlhf/config/data_options.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// The config of rlhf-sft.
struct SftConfig {
  ModelOptions model;
  DataOptions data;
  TrainOptions train;
  OptimizerOptions optimizer;
  LrScheduleOptions lr_schedule;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LogOptions log;
};
constexpr auto describe(const SftConfig*) {
  using C = SftConfig;
  return std::make_tuple(field<&C::model>("the initial model"), field<&C::data>("demonstrations or plain text"),
                         field<&C::train>("the run"), field<&C::optimizer>("AdamW"),
                         field<&C::lr_schedule>("learning rate over the run"),
                         field<&C::eval>("evaluation during training").may_change(),
                         field<&C::checkpoint>("checkpoints for --resume").may_change(),
                         field<&C::log>("metrics and samples").may_change());
}

}  // namespace rlhf
