#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"

namespace rlhf {

/// Views of fused rows: q [N,H,E], k, v [N,G,E].
struct SplitHeads {
  at::Tensor q, k, v;
};
inline SplitHeads split_heads(const at::Tensor& qkv, const AttentionHeads& heads) {
  const auto parts =
      qkv.view({qkv.size(0), -1, heads.width}).split_with_sizes({heads.queries, heads.keys, heads.keys}, 1);
  return {parts[0], parts[1], parts[2]};
}

}  // namespace rlhf
