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
/// The first row that the rows before it determine (its pivot is at most 1e-10 of its diagonal entry), or the size if
/// the matrix, which must be positive semidefinite, has full rank.
std::size_t first_dependent_row(const SymmetricMatrix& matrix);
/// x with L·Lᵀ·x = b.
std::vector<double> solve(const SymmetricMatrix& cholesky_factor, std::vector<double> b);
/// The inverse of a positive definite matrix.
SymmetricMatrix inverse(const SymmetricMatrix& matrix);
/// A·V·Aᵀ, A square.
SymmetricMatrix sandwich(const SymmetricMatrix& a, const SymmetricMatrix& v);

}  // namespace rlhf
