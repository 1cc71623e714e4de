// Cholesky's decomposition for the small systems of Newton's method.
#include "feedback/symmetric_matrix.h"

#include <cmath>

#include "rlhf/core/check.h"

namespace rlhf {

SymmetricMatrix cholesky(const SymmetricMatrix& matrix) {
  SymmetricMatrix factor(matrix.size);
  for (std::size_t i = 0; i < matrix.size; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = matrix.at(i, j);
      for (std::size_t k = 0; k < j; ++k) rest -= factor.at(i, k) * factor.at(j, k);
      if (i == j) RLHF_CHECK(rest > 0, "pivot ", i, " is ", rest);
      factor.at(i, j) = i == j ? std::sqrt(rest) : rest / factor.at(j, j);
    }
  return factor;
}

std::vector<double> solve(const SymmetricMatrix& factor, std::vector<double> b) {
  for (std::size_t i = 0; i < factor.size; ++i) {
    for (std::size_t j = 0; j < i; ++j) b[i] -= factor.at(i, j) * b[j];
    b[i] /= factor.at(i, i);
  }
  for (std::size_t i = factor.size; i-- > 0;) {
    for (std::size_t j = i + 1; j < factor.size; ++j) b[i] -= factor.at(j, i) * b[j];
    b[i] /= factor.at(i, i);
  }
  return b;
}

SymmetricMatrix inverse(const SymmetricMatrix& matrix) {
  const SymmetricMatrix factor = cholesky(matrix);
  SymmetricMatrix found(matrix.size);
  for (std::size_t j = 0; j < matrix.size; ++j) {
    std::vector<double> unit(matrix.size);
    unit[j] = 1;
    const std::vector<double> column = solve(factor, std::move(unit));
    for (std::size_t i = 0; i < matrix.size; ++i) found.at(i, j) = column[i];
  }
  return found;
}

}  // namespace rlhf
