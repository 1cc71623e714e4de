#pragma once

#include <cmath>
#include <limits>

#include "feedback/sigmoid.h"

namespace rlhf {

/// An answer as the range of s + noise that leads to it, with noise of the logistic distribution:
///   P(answer | s) = σ(s − low) − σ(s − high)
/// [0, ∞) is a plain yes, (−∞, 0] a plain no.
struct AnswerRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// ln P(answer | s) = ln σ(s − low) + ln σ(high − s) + ln(1 − e^(low − high)), which loses no digits.
inline double log_probability(const AnswerRange& range, double s) {
  return log_sigmoid(s - range.low) + log_sigmoid(range.high - s) + std::log1p(-std::exp(range.low - range.high));
}

/// d/ds of it.
inline double score(const AnswerRange& range, double s) { return 1 - sigmoid(s - range.low) - sigmoid(s - range.high); }

/// −d²/ds² of it, never negative.
inline double information(const AnswerRange& range, double s) {
  return sigmoid(s - range.low) * sigmoid(range.low - s) + sigmoid(s - range.high) * sigmoid(range.high - s);
}

}  // namespace rlhf
