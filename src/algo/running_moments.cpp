// Mean and standard deviation of numbers that come in parts.
#include "rlhf/algo/running_moments.h"

#include <cmath>

namespace rlhf {

void RunningMoments::add(std::span<const float> numbers) {
  for (const float number : numbers) {
    const double difference = static_cast<double>(number) - mean;
    count += 1;
    mean += difference / count;
    squares += difference * (static_cast<double>(number) - mean);
  }
}

double RunningMoments::deviation() const {
  const double deviation = count < 2 ? 0 : std::sqrt(squares / (count - 1));
  return deviation > 0 ? deviation : 1;
}

}  // namespace rlhf
