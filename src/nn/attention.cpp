#include "rlhf/nn/attention.h"

#include <limits>
#include <optional>
#include <tuple>
#include <vector>

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"

#include "nn/equal_runs.h"

namespace rlhf {
namespace {

void check_inputs(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments) {
  const std::int64_t rows = segments.total();
  check_shape(q, "q", {rows, -1, -1});
  check_shape(k, "k", {rows, -1, q.size(2)});
  check_shape(v, "v", {rows, k.size(1), q.size(2)});
  if (q.size(1) % k.size(1) != 0) {
    throw ShapeError("attention: query heads: expected a multiple of " + std::to_string(k.size(1)) +
                     " key heads, found " + std::to_string(q.size(1)));
  }
}

/// Rows of one run, [count·length, H, E] -> [count, H, length, E] without a copy.
at::Tensor as_batch(const at::Tensor& rows, const EqualRun& run) {
  return rows.view({run.count, run.length, rows.size(1), rows.size(2)}).transpose(1, 2);
}

/// One batched call per run. Sequences of one length must be neighbours to share a call.
at::Tensor attention_by_runs(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                             double scale) {
  const std::vector<EqualRun> runs = equal_length_runs(segments);
  std::vector<std::int64_t> sizes;
  for (const EqualRun& run : runs) sizes.push_back(run.count * run.length);
  // One split, not many narrows: its backward is one concatenation, theirs a whole zero tensor each.
  const auto pieces_q = q.split_with_sizes(sizes), pieces_k = k.split_with_sizes(sizes);
  const auto pieces_v = v.split_with_sizes(sizes);
  const bool grouped = q.size(1) != k.size(1);
  std::vector<at::Tensor> results;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const at::Tensor result = at::scaled_dot_product_attention(
        as_batch(pieces_q[i], runs[i]), as_batch(pieces_k[i], runs[i]), as_batch(pieces_v[i], runs[i]),
        /*attn_mask=*/std::nullopt, /*dropout_p=*/0.0, /*is_causal=*/true, scale, grouped);
    results.push_back(result.transpose(1, 2).reshape({sizes[i], q.size(1), q.size(2)}));
  }
  return results.size() == 1 ? results[0] : at::cat(results);
}

bool has_varlen_kernel(const at::Tensor& q) {
  const bool half_width = q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf;
  return q.is_cuda() && half_width && q.size(2) % 8 == 0 && q.size(2) <= 256;
}

}  // namespace

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            double scale) {
  check_inputs(q, k, v, segments);
  if (q.is_cpu() && q.scalar_type() == at::kBFloat16) {
    // The bfloat16 backward on a CPU is slower than the float32 one: 7 times at 18 tokens, no faster at 512.
    return attention_by_runs(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), segments, scale).to(at::kBFloat16);
  }
  if (!has_varlen_kernel(q)) return attention_by_runs(q, k, v, segments, scale);
  return std::get<0>(at::_flash_attention_forward(
      q, k, v, segments.cu_seqlens, segments.cu_seqlens, segments.max_length, segments.max_length, /*dropout_p=*/0.0,
      /*is_causal=*/true, /*return_debug_mask=*/false, std::optional<double>(scale)));
}

at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               double scale) {
  check_inputs(q, k, v, segments);
  const std::int64_t group = q.size(1) / k.size(1);
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    const std::int64_t begin = segments.offsets[i], length = segments.length(i);
    const auto heads_first = [&](const at::Tensor& x) { return x.narrow(0, begin, length).transpose(0, 1); };
    const at::Tensor keys = heads_first(k).repeat_interleave(group, 0);
    const at::Tensor values = heads_first(v).repeat_interleave(group, 0);
    const at::Tensor scores = at::matmul(heads_first(q), keys.transpose(1, 2)).mul(scale);
    const at::Tensor future = at::full({length, length}, -std::numeric_limits<double>::infinity(), q.options()).triu(1);
    results.push_back(at::matmul(at::softmax(scores.add(future), -1), values).transpose(0, 1));
  }
  return at::cat(results);
}

}  // namespace rlhf
