#pragma once

#include <cstddef>
#include <vector>

namespace rlhf {

/// A small symmetric matrix, or a square one where a function says so; all entries are kept, row-major.
struct SymmetricMatrix {
  std::size_t size = 0;
  std::vector<double> values;  ///< [size, size]

  explicit SymmetricMatrix(std::size_t n = 0) : size(n), values(n * n) {}
  double& at(std::size_t i, std::size_t j) { return values[i * size + j]; }
  double at(std::size_t i, std::size_t j) const { return values[i * size + j]; }
};

/// L, lower triangular, with L·Lᵀ = matrix, which must be positive definite.
SymmetricMatrix cholesky(const SymmetricMatrix& matrix);
/// x with L·Lᵀ·x = b.
std::vector<double> solve(const SymmetricMatrix& cholesky_factor, std::vector<double> b);
/// The inverse of a positive definite matrix.
SymmetricMatrix inverse(const SymmetricMatrix& matrix);

}  // namespace rlhf
