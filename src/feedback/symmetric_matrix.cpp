// Cholesky's decomposition for the small systems of Newton's method.
#include "feedback/symmetric_matrix.h"

#include <cmath>

#include "rlhf/core/check.h"

namespace rlhf {
namespace {

/// Fills L up to the first row whose pivot is not above `least_share` of its diagonal entry; returns this row, or the
/// size.
std::size_t decompose(const SymmetricMatrix& matrix, double least_share, SymmetricMatrix& factor) {
  for (std::size_t i = 0; i < matrix.size; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = matrix.at(i, j);
      for (std::size_t k = 0; k < j; ++k) rest -= factor.at(i, k) * factor.at(j, k);
      if (i == j && !(rest > least_share * matrix.at(i, i))) return i;
      factor.at(i, j) = i == j ? std::sqrt(rest) : rest / factor.at(j, j);
    }
  return matrix.size;
}

}  // namespace

SymmetricMatrix cholesky(const SymmetricMatrix& matrix) {
  SymmetricMatrix factor(matrix.size);
  const std::size_t row = decompose(matrix, 0, factor);
  RLHF_CHECK(row == matrix.size, "row ", row, " is not that of a positive definite matrix");
  return factor;
}

std::size_t first_dependent_row(const SymmetricMatrix& matrix) {
  SymmetricMatrix factor(matrix.size);
  return decompose(matrix, 1e-10, factor);
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

SymmetricMatrix sandwich(const SymmetricMatrix& a, const SymmetricMatrix& v) {
  const std::size_t n = a.size;
  SymmetricMatrix half(n), found(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) half.at(i, j) += a.at(i, k) * v.at(k, j);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k < n; ++k) found.at(i, j) += half.at(i, k) * a.at(j, k);
  return found;
}

}  // namespace rlhf
