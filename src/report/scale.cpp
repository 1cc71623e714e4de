// Axes, round ticks, numbers as text.
#include "report/scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace rlhf {
namespace {

// Half of the range of double, so that high - low is always finite.
constexpr double kLargest = std::numeric_limits<double>::max() / 4;
constexpr std::size_t kLongestLabel = 6;  // characters that fit into the left margin of a chart
constexpr double kSmallest = 1e-300;      // the smallest range that can be divided into steps
constexpr int kMostTicks = 20;            // limits the ticks if the range is tiny compared with its values

std::string formatted(const char* format, int digits, double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), format, digits, value);
  return text.data();
}

// "1e-06" as "1e-6".
std::string short_exponent(std::string text) {
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::size_t digits = e + 1;
  if (text[digits] == '+') text.erase(digits, 1);
  if (text[digits] == '-') ++digits;
  while (text[digits] == '0' && digits + 1 < text.size()) text.erase(digits, 1);
  return text;
}

// "0.00015" as "1.5e-4".
std::string with_exponent(int digits, double value) {
  std::string text = formatted("%.*e", digits - 1, value);
  const std::size_t e = text.find('e');
  const std::size_t last = text.find_last_not_of('0', e - 1);
  text.erase(text[last] == '.' ? last : last + 1, e - (text[last] == '.' ? last : last + 1));
  return short_exponent(text);
}

std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t length = 0;
  for (const std::string& text : texts) length = std::max(length, text.size());
  return length;
}

struct Suffix {
  double factor;
  const char* text;
};
Suffix suffix_for(double largest) {
  if (largest >= 1e12) return {1, ""};
  if (largest >= 1e9) return {1e9, "G"};
  if (largest >= 1e6) return {1e6, "M"};
  if (largest >= 1e4) return {1e3, "k"};
  return {1, ""};
}

}  // namespace

double Axis::at(double value) const { return from + (std::clamp(value, low, high) - low) / (high - low) * (to - from); }

std::vector<double> Axis::ticks() const {
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9), last = std::floor(high / step + 1e-9);
  for (int i = 0; i < kMostTicks && first + i <= last; ++i) ticks.push_back(first + i == 0 ? 0 : (first + i) * step);
  return ticks;
}

double round_step(double range, double parts) {
  const double power = std::pow(10.0, std::floor(std::log10(range / parts)));
  const double part = range / parts / power;
  return power * (part < 1.41 ? 1 : part < 3.16 ? 2 : part < 7.07 ? 5 : 10);
}

Axis axis_over(double low, double high, double parts) {
  low = std::clamp(low, -kLargest, kLargest);
  high = std::clamp(high, -kLargest, kLargest);
  if (high - low <= 1e-9 * std::max(std::fabs(low), std::fabs(high))) {
    const double room = low == 0 ? 1 : std::max(std::fabs(low) * 0.5, kSmallest);
    low -= room;
    high += room;
  }
  return {.low = low, .high = high, .step = round_step(high - low, parts)};
}

Axis axis_to_ticks(double low, double high, double parts) {
  Axis axis = axis_over(low, high, parts);
  axis.low = std::floor(axis.low / axis.step + 1e-9) * axis.step;
  axis.high = std::ceil(axis.high / axis.step - 1e-9) * axis.step;
  return axis;
}

std::vector<std::string> tick_labels(const Axis& axis) {
  const double largest = std::max(std::fabs(axis.low), std::fabs(axis.high));
  const Suffix suffix = suffix_for(largest);
  const double ratio = std::log10(largest / axis.step);
  const int digits =
      std::clamp(static_cast<int>(std::ceil(ratio)) + 1, 4, 12);  // adjacent ticks must have different labels
  std::vector<std::string> plain, exponents;
  for (const double tick : axis.ticks()) {
    plain.push_back(tick == 0 ? "0" : short_exponent(formatted("%.*g", digits, tick / suffix.factor)) + suffix.text);
    exponents.push_back(tick == 0 ? "0" : with_exponent(digits, tick));
  }
  const bool too_long = longest(plain) > kLongestLabel;
  return too_long && longest(exponents) < longest(plain) ? exponents : plain;
}

std::string exact(double value) { return formatted("%.*g", 15, value); }

std::string show_number(double value) {
  if (!std::isfinite(value)) return "not finite";
  if (value == 0) return "0";
  const bool is_whole = value == std::round(value) || std::fabs(value) >= 1e4;
  if (is_whole && std::fabs(value) < 1e15) return formatted("%.*f", 0, value);
  return short_exponent(formatted("%.*g", 4, value));
}

}  // namespace rlhf
