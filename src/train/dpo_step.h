#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "figures.h"
#include "ranked_samples.h"
#include "supervised.h"

namespace rlhf {

/// The record of a step or evaluation of DPO: means over samples by their weights. Metrics that the samples do not
/// give, such as accuracies without pairs, are absent.
struct DpoStep : SupervisedStep {
  enum Figure { kLoss, kRanked, kChosen, kRejected, kChosenLogprob, kRejectedLogprob, kKl, kGradNorm, kNumFigures };
  std::array<double, kNumFigures> figures{};  ///< sums, then the KL and the gradient norm
  RankedCounts counts;
  bool has_kl = false;

  explicit DpoStep(RankedCounts of) : counts(std::move(of)) {
    tokens = counts.tokens;
    pairs = counts.pairs;
  }

  Metrics headline() const override {
    Metrics named = {{"loss", figures[kLoss] / counts.weight()}};
    if (counts.paired > 0) named.set("rewards/accuracies", figures[kRanked] / counts.paired);
    if (counts.pairs == 0) add_margin(named);
    return named;
  }
  Metrics metrics() const override {
    Metrics named = headline();
    add_margin(named);
    add_mean(named, "rewards/chosen", kChosen, counts.chosen());
    add_mean(named, "rewards/rejected", kRejected, counts.rejected());
    add_mean(named, "logps/chosen", kChosenLogprob, counts.chosen());
    add_mean(named, "logps/rejected", kRejectedLogprob, counts.rejected());
    if (has_kl) named.set("kl", figures[kKl]);
    return with_optimizer(std::move(named));
  }

 private:
  void add_mean(Metrics& named, const char* name, Figure figure, double weight) const {
    if (weight > 0) named.set(name, figures[figure] / weight);
  }
  void add_margin(Metrics& named) const {
    if (counts.chosen() > 0 && counts.rejected() > 0)
      named.set("rewards/margins", figures[kChosen] / counts.chosen() - figures[kRejected] / counts.rejected());
  }
};

using DpoFigures = DeviceFigures<DpoStep::kNumFigures>;

}  // namespace rlhf
