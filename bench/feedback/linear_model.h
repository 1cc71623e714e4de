#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rlhf {

/// Numbers of a text by feature, in the order of the features, without zeros.
using SparseVector = std::vector<std::pair<std::uint32_t, double>>;

/// Words and pairs of adjacent words, hashed (CRC-32) into 2¹⁸ features with the value ln(1 + count), of Euclidean
/// length 1; then six of the surface: ln(1 + n) for n characters, n words, n sentences and n commas, the mean length of
/// a word and the share of capitals.
SparseVector features_of(std::string_view text);
SparseVector difference(const SparseVector& first, const SparseVector& second);

struct LinearOptions {
  double rate = 0.1;    ///< of AdaGrad
  double decay = 1e-4;  ///< λ of λ/2·w², for the features of a pair when it is trained
};

/// r(text) = w·features(text), trained pair by pair with AdaGrad (Duchi et al., 2011).
class LinearModel {
 public:
  explicit LinearModel(LinearOptions options);
  double value(const SparseVector& features) const;
  /// One step; `slope` is the derivative of the loss by value(features).
  void step(const SparseVector& features, double slope);

 private:
  LinearOptions options_;
  std::vector<double> weights_, squares_;  ///< [features]
};

}  // namespace rlhf
