#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "rlhf/config/choices.h"
#include "rlhf/config/const_text.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/metrics_list.h"
#include "rlhf/config/stage.h"

namespace rlhf {

namespace detail {

inline constexpr const char* kCheckMemoryDoc =
    "refuse to start if the memory forecast exceeds the available memory; false: only warn";
inline constexpr const char* kDeviceDoc =
    "compute device; auto: a GPU if there is one; cuda: GPU 0, or that of the variable LOCAL_RANK; cuda:1: GPU 1; a "
    "resume needs the same architecture";

inline constexpr const char* kThreadsDoc =
    "CPU threads; default: the physical cores, divided among the ranks of the machine";
inline constexpr const char* kShardDoc =
    "what each of several ranks has only a part of; none: all have everything; optimizer: masters and moments, of "
    "which each rank updates its part; gradients: also the gradients, which are then exchanged after each micro-batch; "
    "parameters: also the weights of all models, which are then exchanged before each layer runs";
inline constexpr const char* kRecomputeDoc =
    "keep only the input of each layer for the backward pass, and compute the rest again there: less memory, about a "
    "third more time, the same results";
inline constexpr const char* kRouterLossDoc =
    "for a mixture of experts: weight of the loss that balances the load of its experts, metric aux_loss; default: "
    "router_aux_loss_coef in the model's config.json";

}  // namespace detail

/// Section `train` of rlhf-sft, rlhf-rm and rlhf-dpo. Sizes are global and in sequences, or in pairs or rankings.
struct TrainOptions {
  std::string output;
  std::int64_t batch_size = 32;
  std::optional<std::int64_t> micro_batch_tokens;
  double epochs = 1.0;
  std::optional<std::int64_t> max_steps;
  std::int64_t seed = 0;
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
  Sharding shard = Sharding::optimizer;
  bool recompute = false;
  std::optional<double> router_aux_loss_coef;
  bool check_memory = true;
};
constexpr auto describe(const TrainOptions*) {
  using C = TrainOptions;
  return std::make_tuple(
      field<&C::output>("run folder; must be empty or absent without --resume").path().may_change(),
      field<&C::batch_size>("sequences (rlhf-rm, rlhf-dpo: pairs or rankings) per optimizer step", at_least(1)),
      field<&C::micro_batch_tokens>("tokens per forward and backward pass; at least data.max_length, and at least the "
                                    "largest pair or ranking; default: derived from the memory",
                                    at_least(1))
          .may_change(),
      field<&C::epochs>("passes over the data; may be a fraction", more_than(0.0).up_to(1e6)).may_change(),
      field<&C::max_steps>("number of optimizer steps, instead of epochs; repeats the data if necessary", at_least(1))
          .may_change(),
      field<&C::seed>("seed of all random numbers of the run", at_least(0)).any_size(),
      field<&C::device>(detail::kDeviceDoc).may_change(),
      field<&C::dtype>("compute dtype; masters are float32; auto: bfloat16 if the hardware supports it"),
      field<&C::threads>(detail::kThreadsDoc, at_least(1)).may_change(),
      field<&C::shard>(detail::kShardDoc).may_change(), field<&C::recompute>(detail::kRecomputeDoc).may_change(),
      field<&C::router_aux_loss_coef>(detail::kRouterLossDoc, at_least(0.0)),
      field<&C::check_memory>(detail::kCheckMemoryDoc).may_change());
}

/// Section `train` of rlhf-ppo.
struct PpoTrainOptions {
  std::string output;
  std::int64_t total_episodes = 10240;
  std::optional<std::int64_t> micro_batch_tokens;
  std::int64_t seed = 0;
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
  Sharding shard = Sharding::optimizer;
  bool recompute = false;
  std::optional<double> router_aux_loss_coef;
  bool check_memory = true;
};
constexpr auto describe(const PpoTrainOptions*) {
  using C = PpoTrainOptions;
  return std::make_tuple(
      field<&C::output>("run folder; must be empty or absent without --resume").path().may_change(),
      field<&C::total_episodes>("total number of responses; rounded up to a multiple of rollout.batch_size",
                                at_least(1))
          .may_change(),
      field<&C::micro_batch_tokens>("tokens per forward and backward pass; default: derived from the memory",
                                    at_least(1))
          .may_change(),
      field<&C::seed>("seed of all random numbers of the run", at_least(0)).any_size(),
      field<&C::device>(detail::kDeviceDoc).may_change(),
      field<&C::dtype>("compute dtype; masters are float32; auto: bfloat16 if the hardware supports it"),
      field<&C::threads>(detail::kThreadsDoc, at_least(1)).may_change(),
      field<&C::shard>(detail::kShardDoc).may_change(), field<&C::recompute>(detail::kRecomputeDoc).may_change(),
      field<&C::router_aux_loss_coef>(detail::kRouterLossDoc, at_least(0.0)),
      field<&C::check_memory>(detail::kCheckMemoryDoc).may_change());
}

namespace detail {

inline constexpr ConstText kBestByDoc = [] {
  ConstText text;
  text.add("metric by which the best model is kept in best/: ");
  for (const Stage stage : kStages) {
    if (stage != kStages.front()) text.add(", ");
    add_best_by(text, stage);
  }
  text.add("; default: the first of the stage");
  return text;
}();

}  // namespace detail

/// Section `eval`.
struct EvalOptions {
  std::int64_t every_steps = 0;
  std::int64_t max_samples = 500;
  std::string best_by;
  std::int64_t patience = 0;
  double min_delta = 0.0;
};
constexpr auto describe(const EvalOptions*) {
  using C = EvalOptions;
  return std::make_tuple(
      field<&C::every_steps>("steps between evaluations (0: only before the first step and after the last)",
                             at_least(0)),
      field<&C::max_samples>("number of samples per evaluation (0: all)", at_least(0)),
      field<&C::best_by>(detail::kBestByDoc),
      field<&C::patience>("number of evaluations without improvement of best_by after which the run ends (0: never)",
                          at_least(0)),
      field<&C::min_delta>("the least change of best_by that counts as an improvement for `patience`", at_least(0.0)));
}

/// Section `checkpoint`.
struct CheckpointOptions {
  std::int64_t every_steps = 200;
  std::int64_t keep_last = 2;
};
constexpr auto describe(const CheckpointOptions*) {
  using C = CheckpointOptions;
  return std::make_tuple(
      field<&C::every_steps>("steps between checkpoints (0: only when stopped by a signal)", at_least(0)),
      field<&C::keep_last>("number of checkpoints to keep", at_least(1)));
}

/// Section `log`.
struct LogOptions {
  std::int64_t every_steps = 1;
  std::int64_t samples_every_steps = 50;
  bool tensorboard = true;
};
constexpr auto describe(const LogOptions*) {
  using C = LogOptions;
  return std::make_tuple(field<&C::every_steps>("steps between metrics", at_least(1)),
                         field<&C::samples_every_steps>("steps between logged samples (0: never)", at_least(0)),
                         field<&C::tensorboard>("also write TensorBoard event files"));
}

}  // namespace rlhf
