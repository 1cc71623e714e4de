#pragma once

#include <span>

namespace rlhf {

/// Mean and standard deviation of all numbers that were added so far, in double.
/// Source: Welford (1962), "Note on a method for calculating corrected sums of squares and products".
struct RunningMoments {
  double count = 0, mean = 0;
  double squares = 0;  ///< Σ (x − mean)²

  void add(std::span<const float> numbers);
  /// Of a sample (divided by count − 1); 1 if that is 0 or if there are fewer than two numbers, so that it can divide.
  double deviation() const;
};

}  // namespace rlhf
