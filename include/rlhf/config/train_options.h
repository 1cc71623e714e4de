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

/// Section `train` of rlhf-sft and rlhf-rm. Sizes are global and in sequences (rlhf-rm: pairs or rankings).
struct TrainOptions {
  std::string output;
  std::int64_t batch_size = 32;
  std::optional<std::int64_t> micro_batch_tokens;
  double epochs = 1.0;
  std::optional<std::int64_t> max_steps;
  std::int64_t seed = 0;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
};
constexpr auto describe(const TrainOptions*) {
  using C = TrainOptions;
  return std::make_tuple(
      field<&C::output>("run folder; must be empty or absent unless --resume is given").may_change(),
      field<&C::batch_size>("sequences (rlhf-rm: pairs or rankings) per optimizer step", at_least(1)),
      field<&C::micro_batch_tokens>("tokens of one backward, at least data.max_length, and never below the largest "
                                    "pair or ranking; default: derived "
                                    "from the memory",
                                    at_least(1))
          .may_change(),
      field<&C::epochs>("passes over the data; a fraction is allowed", more_than(0.0)).may_change(),
      field<&C::max_steps>("optimizer steps; replaces epochs and cycles the data", at_least(1)).may_change(),
      field<&C::seed>("seed of every random number of the run", at_least(0)),
      field<&C::device>("where to compute; auto: CUDA where there is a GPU"),
      field<&C::dtype>("compute type; masters are float32; auto: bfloat16 where the hardware computes it"),
      field<&C::threads>("CPU threads; default: the cores of the machine", at_least(1)).may_change());
}

/// Section `train` of rlhf-ppo.
struct PpoTrainOptions {
  std::string output;
  std::int64_t total_episodes = 10240;
  std::optional<std::int64_t> micro_batch_tokens;
  std::int64_t seed = 0;
  DeviceChoice device = DeviceChoice::auto_;
  DtypeChoice dtype = DtypeChoice::auto_;
  std::optional<std::int64_t> threads;
};
constexpr auto describe(const PpoTrainOptions*) {
  using C = PpoTrainOptions;
  return std::make_tuple(
      field<&C::output>("run folder; must be empty or absent unless --resume is given").may_change(),
      field<&C::total_episodes>("sampled responses in all; a multiple of rollout.batch_size", at_least(1)).may_change(),
      field<&C::micro_batch_tokens>("tokens of one backward; default: derived from the memory", at_least(1))
          .may_change(),
      field<&C::seed>("seed of every random number of the run", at_least(0)),
      field<&C::device>("where to compute; auto: CUDA where there is a GPU"),
      field<&C::dtype>("compute type; masters are float32; auto: bfloat16 where the hardware computes it"),
      field<&C::threads>("CPU threads; default: the cores of the machine", at_least(1)).may_change());
}

namespace detail {

inline constexpr ConstText kBestByDoc = [] {
  ConstText text;
  text.add("metric whose best evaluation is kept in best/: ");
  add_best_by(text, Stage::sft);
  text.add(", ");
  add_best_by(text, Stage::reward_model);
  text.add("; default: eval_loss");
  return text;
}();

}  // namespace detail

/// Section `eval`.
struct EvalOptions {
  std::int64_t every_steps = 0;
  std::int64_t max_samples = 500;
  std::string best_by;
};
constexpr auto describe(const EvalOptions*) {
  using C = EvalOptions;
  return std::make_tuple(
      field<&C::every_steps>("evaluate every so many steps (0 = only before the first and after the last)",
                             at_least(0)),
      field<&C::max_samples>("samples used by one evaluation (0 = all)", at_least(0)),
      field<&C::best_by>(detail::kBestByDoc));
}

/// Section `checkpoint`.
struct CheckpointOptions {
  std::int64_t every_steps = 200;
  std::int64_t keep_last = 2;
};
constexpr auto describe(const CheckpointOptions*) {
  using C = CheckpointOptions;
  return std::make_tuple(
      field<&C::every_steps>("save a checkpoint every so many steps (0 = only when stopped by a signal)", at_least(0)),
      field<&C::keep_last>("checkpoints kept", at_least(1)));
}

/// Section `log`.
struct LogOptions {
  std::int64_t every_steps = 1;
  std::int64_t samples_every_steps = 50;
  bool tensorboard = true;
};
constexpr auto describe(const LogOptions*) {
  using C = LogOptions;
  return std::make_tuple(field<&C::every_steps>("write metrics every so many steps", at_least(1)),
                         field<&C::samples_every_steps>("write samples every so many steps (0 = never)", at_least(0)),
                         field<&C::tensorboard>("also write TensorBoard event files"));
}

}  // namespace rlhf
