#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/data_options.h"
#include "rlhf/config/describe.h"
#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"

namespace rlhf {

/// Section `reward_model`.
struct RewardModelOptions {
  RewardLoss loss = RewardLoss::bradley_terry;
  double ipo_tau = 0.1;
  double label_smoothing = 0.0;
  bool unbiased_smoothing = false;
  double centering = 0.0;
  CenterOn center_on = CenterOn::chosen;
  AnnotatorMethod annotators = AnnotatorMethod::majority;
  DomainSharing domains = DomainSharing::shared;
  std::vector<std::string> biases = {"agreement"};
};
constexpr auto describe(const RewardModelOptions*) {
  using C = RewardModelOptions;
  return std::make_tuple(
      field<&C::loss>("bradley_terry: −log σ(R), R = chosen − rejected − margin; ipo: (R − 1/(2·ipo_tau))², which is "
                      "bounded: it pulls R to a value and no further"),
      field<&C::ipo_tau>("τ of the loss ipo; 0.1 pulls R to 5", more_than(0.0)),
      field<&C::label_smoothing>("share ε of labels that are thought to be wrong; the loss of a pair is (1 − ε)·l(R) + "
                                 "ε·l(−R); not in evaluations",
                                 at_least(0.0).below(0.5)),
      field<&C::unbiased_smoothing>("instead ((1 − ε)·l(R) − ε·l(−R)) / (1 − 2ε), whose expectation is the loss on "
                                    "labels without errors"),
      field<&C::centering>("weight of (chosen + rejected)² in the loss; a common value is 0.01", at_least(0.0)),
      field<&C::center_on>("training texts whose mean score (of 256 random ones) becomes rlhf_reward_mean"),
      field<&C::annotators>(
          "labels of judgments. majority: every vote counts the same; drop_in_play: where a bias is in "
          "play only experts count; latent: learns reliabilities and biases from the pairs that experts "
          "judged; em: learns reliabilities from all votes and the model, again and again; trust: a "
          "factor for every annotator, trained along"),
      field<&C::domains>("per_domain: reliabilities differ between the `domain`s of records (latent only)"),
      field<&C::biases>(
          "what annotators may pay for: length, hedges, apologies, flattery, code, markdown, lists, "
          "agreement (with the asker's belief); a bias is in play where the responses differ in it, except "
          "length (drop_in_play and latent)"));
}

/// The config of rlhf-rm.
struct RewardModelConfig {
  ModelOptions model;
  DataOptions data;
  RewardModelOptions reward_model;
  TrainOptions train;
  OptimizerOptions optimizer;
  LrScheduleOptions lr_schedule;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LogOptions log;
};
constexpr auto describe(const RewardModelConfig*) {
  using C = RewardModelConfig;
  return std::make_tuple(field<&C::model>("the initial model, usually the fine-tuned one"),
                         field<&C::data>("preference pairs or rankings"), field<&C::reward_model>("the loss"),
                         field<&C::train>("the run"), field<&C::optimizer>("AdamW"),
                         field<&C::lr_schedule>("learning rate over the run"),
                         field<&C::eval>("evaluation during training").may_change(),
                         field<&C::checkpoint>("checkpoints for --resume").may_change(),
                         field<&C::log>("metrics and samples").may_change());
}

}  // namespace rlhf
