#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// A low-rank update of a linear layer, arXiv:2106.09685. The rows of a weight may come from several layers of a file
/// (query‖key‖value); each of them that is updated is a block with matrices A [r,I] and B [rows,r] of its own.
struct LowRank {
  /// The rows of the weight that belong to a block.
  struct Block {
    std::int64_t begin, rows;
  };

  at::Tensor a;               ///< [blocks·r, I]: A of all blocks
  at::Tensor b;               ///< [Σ rows, r]: B of all blocks
  std::vector<Block> blocks;  ///< in ascending order
  double scale = 1;
  double dropout = 0;  ///< share of the inputs of A that are set to 0 while gradients are recorded
};

/// x · weightᵀ + bias, and for each block
///   y[:, begin : begin + rows] += scale · dropout(x) · Aᵀ · Bᵀ
/// x [N,I], weight [O,I], bias [O] or undefined -> [N,O]. Differentiable in x, A and B, whose gradients are added in
/// place if possible (tensor/gradient.h); the weight must be frozen. The blocks of a weight share the dropped inputs,
/// and LibTorch's default generator draws them.
/// Errors: ShapeError, also for different dtypes or devices; ArgumentError for a weight that requires a gradient and
/// for a share outside [0, 1).
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const LowRank& update);

}  // namespace rlhf
