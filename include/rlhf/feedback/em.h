#pragma once

#include <cstdint>
#include <vector>

namespace rlhf {

/// What the models of annotators have in common: each is fitted by expectation maximisation (EM), which alternates
/// between the probabilities of labels and the parameters. It finds a local maximum, which depends on the start. That
/// is where every annotator is worth the same, or, with gold, what gold alone says about them: a few gold items suffice
/// to find out that most annotators are wrong.
struct EmOptions {
  std::vector<std::int32_t> gold;  ///< [items], the true choice where it is known, else kNoChoice; empty: nowhere
  int max_iterations = 200;
  double tolerance = 1e-6;  ///< converged when no probability of a label changes by more in one iteration
};

struct EmReport {
  int iterations = 0;
  bool converged = false;
  double objective = 0;  ///< log-likelihood of the votes (and gold), plus the log of the priors of parameters
};

}  // namespace rlhf
