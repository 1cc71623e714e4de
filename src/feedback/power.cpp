// Exact answers of the binomial distribution.
#include "rlhf/feedback/power.h"

#include <algorithm>
#include <cmath>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

void check_probability(double p, std::string_view name) { check_argument(p >= 0 && p <= 1, name, "0 to 1", p); }

void check_inside(double p, std::string_view name) { check_argument(p > 0 && p < 1, name, "above 0 and below 1", p); }

double binomial(std::int32_t trials, std::int32_t successes, double p) {
  if (p == 0 || p == 1) return successes == (p == 0 ? 0 : trials) ? 1 : 0;
  const double n = trials, k = successes;
  const double log_ways = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  return std::exp(log_ways + k * std::log(p) + (n - k) * std::log1p(-p));
}

/// The smallest `pass` with P(X >= pass) <= error.
std::int32_t pass_mark(std::int32_t items, double bad, double error) {
  std::int32_t pass = items + 1;
  for (double tail = 0; pass > 0; --pass) {
    tail += binomial(items, pass - 1, bad);
    if (tail > error) break;
  }
  return pass;
}

}  // namespace

double binomial_at_least(std::int32_t trials, std::int32_t least, double p) {
  check_argument(trials >= 0 && trials <= kMostVotes, "trials", "0 to 5000", trials);
  check_probability(p, "p");
  double sum = 0;
  for (std::int32_t k = std::max(least, 0); k <= trials; ++k) sum += binomial(trials, k, p);
  return std::min(sum, 1.0);
}

std::optional<GoldTest> gold_items_to_tell(double bad, double good, double error, double power) {
  check_probability(bad, "bad");
  check_argument(good > bad && good <= 1, "good", "above bad, up to 1", good);
  check_inside(error, "error");
  check_inside(power, "power");
  for (std::int32_t items = 1; items <= kMostVotes; ++items) {
    const std::int32_t pass = pass_mark(items, bad, error);
    const double good_pass = binomial_at_least(items, pass, good);
    if (good_pass >= power) return GoldTest{items, pass, binomial_at_least(items, pass, bad), good_pass};
  }
  return std::nullopt;
}

std::optional<std::int32_t> gold_items_for_width(double accuracy, double width, double level) {
  check_probability(accuracy, "accuracy");
  check_inside(width, "width");
  for (std::int32_t items = 1; items <= kMostVotes; ++items) {
    const Interval interval = wilson_interval(accuracy * items, items, level);
    if (interval.high - interval.low <= width) return items;
  }
  return std::nullopt;
}

double majority_error(double accuracy, std::int32_t votes) {
  check_probability(accuracy, "accuracy");
  check_argument(votes >= 1 && votes <= kMostVotes, "votes", "1 to 5000", votes);
  const double tie = votes % 2 == 0 ? binomial(votes, votes / 2, accuracy) : 0;
  return binomial_at_least(votes, votes / 2 + 1, 1 - accuracy) + tie / 2;
}

std::optional<std::int32_t> votes_for_error(double accuracy, double error) {
  check_probability(accuracy, "accuracy");
  check_inside(error, "error");
  if (accuracy <= 0.5) return std::nullopt;
  for (std::int32_t votes = 1; votes <= kMostVotes; votes += 2)
    if (majority_error(accuracy, votes) <= error) return votes;
  return std::nullopt;
}

std::optional<double> expert_share_for_error(double crowd_error, double expert_error, double error) {
  check_probability(crowd_error, "crowd_error");
  check_probability(expert_error, "expert_error");
  check_probability(error, "error");
  if (crowd_error <= error) return 0;
  if (expert_error > error) return std::nullopt;
  return (crowd_error - error) / (crowd_error - expert_error);
}

}  // namespace rlhf
