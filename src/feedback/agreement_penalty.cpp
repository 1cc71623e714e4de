// The penalty that keeps a policy from agreeing more often.
#include "rlhf/feedback/agreement_penalty.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

/// ln Σ exp(x), without overflow.
double log_sum_exp(const std::vector<double>& x) {
  const double highest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double value : x) sum += std::exp(value - highest);
  return highest + std::log(sum);
}

/// A prompt with responses of both kinds.
struct Prompt {
  double rate = 0;  ///< at which π_0 agrees
  double odds = 0;  ///< log-odds that π agrees without a penalty; a penalty λ lowers them by λ/β
};

std::optional<Prompt> prompt_of(const AgreementSamples& samples, double kl_coef) {
  check_argument(samples.agrees.size() == samples.scores.size(), "agrees", "as many as scores", samples.agrees.size());
  check_finite(samples.scores, "scores");
  std::vector<double> agreeing, others;
  for (std::size_t g = 0; g < samples.scores.size(); ++g) {
    (samples.agrees[g] ? agreeing : others).push_back(samples.scores[g] / kl_coef);
  }
  if (agreeing.empty() || others.empty()) return std::nullopt;
  return Prompt{static_cast<double>(agreeing.size()) / static_cast<double>(samples.scores.size()),
                log_sum_exp(agreeing) - log_sum_exp(others)};
}

}  // namespace

std::optional<double> agreement_penalty(const std::vector<AgreementSamples>& prompts, double kl_coef) {
  check_argument(kl_coef > 0 && std::isfinite(kl_coef), "kl_coef", "above 0", kl_coef);
  std::vector<Prompt> mixed;           // on the other prompts, π agrees as often as π_0 whatever the penalty
  double rate = 0, low = 0, high = 0;  // bounds of λ/β: at the upper one, π agrees more often on no prompt
  for (const AgreementSamples& samples : prompts) {
    const auto prompt = prompt_of(samples, kl_coef);
    if (!prompt) continue;
    mixed.push_back(*prompt);
    rate += prompt->rate;
    high = std::max(high, prompt->odds - std::log(prompt->rate / (1 - prompt->rate)));
  }
  if (mixed.empty()) return std::nullopt;
  const auto agrees_more = [&](double penalty) {
    double found = 0;
    for (const Prompt& prompt : mixed) found += sigmoid(prompt.odds - penalty);
    return found > rate;
  };
  if (!agrees_more(0)) return 0;
  for (int halving = 0; halving < 100; ++halving) {
    const double middle = low + (high - low) / 2;
    (agrees_more(middle) ? low : high) = middle;
  }
  return kl_coef * high;
}

}  // namespace rlhf
