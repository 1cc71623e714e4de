#pragma once

#include <string>
#include <tuple>

#include "rlhf/config/choices.h"
#include "rlhf/config/data_options.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// Section `dpo`.
struct DpoOptions {
  PreferenceLoss loss = PreferenceLoss::dpo;
  std::string reference;
  double beta = 0.1;
  double label_smoothing = 0.0;
  double simpo_gamma = 0.5;
  double desirable_weight = 1.0;
  double undesirable_weight = 1.0;
};
constexpr auto describe(const DpoOptions*) {
  using C = DpoOptions;
  return std::make_tuple(
      field<&C::loss>(
          "with r = beta·log(π/π_ref) of a completion, and R = chosen − rejected − margin of r: dpo: −log σ(R); "
          "robust: "
          "dpo that is unbiased if a share label_smoothing of the labels is wrong; dpo_norm: dpo with r per token; "
          "ipo: (R − 1/(2·beta))² of log(π/π_ref) per token, which is bounded; hinge: max(0, 1 − R); simpo: "
          "−log σ(R − simpo_gamma), r = beta·log π per token; orpo: supervised loss of the chosen completion − "
          "beta·log σ of the log odds ratio; kto: 1 − σ(r − KL) of the chosen and 1 − σ(KL − r) of the rejected "
          "completion, each times its weight, also without a counterpart; simpo and orpo use no reference"),
      field<&C::reference>("folder of the reference; default: the initial model; --eval-only needs it").path(),
      field<&C::beta>("β: the larger, the closer the policy stays to the reference; common values: 0.1, simpo 2",
                      more_than(0.0)),
      field<&C::label_smoothing>(
          "share ε of labels that are thought to be wrong; the loss of a pair is (1 − ε)·l + ε·l', l' that of the "
          "other "
          "order, with −R in place of R (robust: ((1 − ε)·l − ε·l') / (1 − 2ε)); not in evaluations",
          at_least(0.0).below(0.5)),
      field<&C::simpo_gamma>("γ of simpo: the difference of r per token that is asked for", at_least(0.0)),
      field<&C::desirable_weight>(
          "kto: factor of the loss of chosen and desirable completions; the number of desirable ones times their "
          "factor should be 1 to 4/3 times that of the undesirable ones",
          more_than(0.0)),
      field<&C::undesirable_weight>("kto: factor of the loss of rejected and undesirable completions", more_than(0.0)));
}

/// The config of rlhf-dpo.
struct DpoConfig {
  ModelOptions model;
  DataOptions data;
  DpoOptions dpo;
  TrainOptions train;
  OptimizerOptions optimizer{.lr = 1e-6};
  LrScheduleOptions lr_schedule;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LogOptions log;
};
constexpr auto describe(const DpoConfig*) {
  using C = DpoConfig;
  return std::make_tuple(
      field<&C::model>("the initial model, usually the fine-tuned one, which is also the reference by default"),
      field<&C::data>("preference pairs or rankings; for kto also single completions"), field<&C::dpo>("the loss"),
      field<&C::train>("the run"), field<&C::optimizer>("AdamW"), field<&C::lr_schedule>("learning rate over the run"),
      field<&C::eval>("evaluation during training").may_change(),
      field<&C::checkpoint>("checkpoints for --resume").may_change(),
      field<&C::log>("metrics and samples").may_change());
}

}  // namespace rlhf
