// Where values lie on an axis, and which of them get a tick.
#pragma once

#include <string>
#include <vector>

namespace rlhf {

/// Maps [low, high] of the data to [from, to] of the drawing; what is outside goes to the nearer end. Ticks are the
/// multiples of `step` between low and high.
struct Axis {
  double low = 0, high = 1, step = 0.2;
  double from = 0, to = 1;

  double at(double value) const;
  std::vector<double> ticks() const;
};

/// 1, 2 or 5 times a power of ten, the one nearest to `range` / `parts` by ratio.
double round_step(double range, double parts);

/// The values from `low` to `high`; a range of one value is widened so that it lies in the middle.
Axis axis_over(double low, double high, double parts);
/// The same with both ends moved outwards to a tick.
Axis axis_to_ticks(double low, double high, double parts);

/// The ticks of `axis` as text, with one suffix for all of them (k, M, G) where the largest is 10,000 or more, or with
/// exponents ("1.5e-4") where that makes long ones shorter.
std::vector<std::string> tick_labels(const Axis& axis);

/// All digits of a value, for programs.
std::string exact(double value);

/// A value for people: whole numbers in full, others with four digits, without a fraction from 10,000 on.
std::string show_number(double value);

}  // namespace rlhf
