// Axes: positions of values, ticks and their labels.
#pragma once

#include <string>
#include <vector>

namespace rlhf {

/// Maps [low, high] of the data to [from, to] of the drawing; values outside are mapped to the nearer end. Ticks are
/// the multiples of `step` between low and high.
struct Axis {
  double low = 0, high = 1, step = 0.2;
  double from = 0, to = 1;

  double at(double value) const;
  std::vector<double> ticks() const;
};

/// The number of the form 1, 2 or 5 times a power of ten that is nearest to `range` / `parts` by ratio.
double round_step(double range, double parts);

/// An axis from `low` to `high`. A range of a single value is widened, with the value in the middle.
Axis axis_over(double low, double high, double parts);
/// The same, with both ends extended to a tick.
Axis axis_to_ticks(double low, double high, double parts);

/// The labels of the ticks of `axis`: with a common suffix (k, M, G) if the largest is 10,000 or more, or with
/// exponents ("1.5e-4") if that makes long labels shorter.
std::vector<std::string> tick_labels(const Axis& axis);

/// A value with all digits, for programs.
std::string exact(double value);

/// A value for people: whole numbers with all digits, others with four digits, without a fraction from 10,000 on.
std::string show_number(double value);

}  // namespace rlhf
