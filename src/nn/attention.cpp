// Attention over packed sequences, by the best available operator.
#include "rlhf/nn/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <vector>

#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn/alibi.h"
#include "nn/equal_runs.h"
#include "nn/split_heads.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_inputs(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments) {
  const std::int64_t rows = segments.total();
  check_shape(q, "q", {rows, -1, -1});
  check_shape(k, "k", {rows, -1, q.size(2)});
  check_shape(v, "v", {rows, k.size(1), q.size(2)});
  check_floating(q, "q");
  check_dtype(k, "k", q.scalar_type());
  check_dtype(v, "v", q.scalar_type());
  check_device(k, "k", q.device());
  check_device(v, "v", q.device());
  if (k.size(1) == 0 || q.size(1) % k.size(1) != 0) {
    throw ShapeError("attention: query heads: expected a multiple of " + std::to_string(k.size(1)) +
                     " key heads, found " + std::to_string(q.size(1)));
  }
}

void check_rule(const AttentionRule& rule, const Segments& segments) {
  check_segments(segments, "segments");
  check_argument(std::isfinite(rule.scale), "scale", "a finite number", rule.scale);
  check_argument(rule.window >= 0, "window", "at least 0", rule.window);
  check_argument(rule.cap >= 0, "cap", "at least 0", rule.cap);
  check_argument(!rule.alibi || rule.cap == 0, "cap", "0 with linear biases", rule.cap);
}

void check_heads(const AttentionHeads& heads) {
  check_argument(heads.width > 0, "heads.width", "at least 1", heads.width);
  check_argument(heads.keys > 0, "heads.keys", "at least 1", heads.keys);
  check_argument(heads.queries > 0 && heads.queries % heads.keys == 0, "heads.queries", "a multiple of the key heads",
                 heads.queries);
}

/// A view of the rows of one run: [count·length,H,E] -> [count,H,length,E].
at::Tensor as_batch(const at::Tensor& rows, const EqualRun& run) {
  return rows.view({run.count, run.length, rows.size(1), rows.size(2)}).transpose(1, 2);
}

/// One batched call per run. Only adjacent sequences of equal length share a call.
at::Tensor attention_by_runs(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                             double scale) {
  const std::vector<EqualRun> runs = equal_length_runs(segments);
  std::vector<std::int64_t> sizes;
  for (const EqualRun& run : runs) sizes.push_back(run.count * run.length);
  // One split instead of many narrows: its backward pass is one concatenation, while each narrow makes a full zero
  // tensor.
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

/// The keys (or values) that a segment reads: the rows of its prefix, then its own.
at::Tensor with_prefix(const at::Tensor& rows, const Segments& segments, std::int64_t segment) {
  const at::Tensor own = rows.narrow(0, segments.offsets[segment], segments.length(segment));
  const std::int64_t prefix = segments.prefix(segment);
  if (prefix < 0) return own;
  return at::cat({rows.narrow(0, segments.offsets[prefix], segments.length(prefix)), own});
}

/// Mask [length,keys] of the keys that row t reads: its own key has index keys − length + t.
at::Tensor readable(std::int64_t length, std::int64_t keys, std::int64_t window, const at::TensorOptions& options) {
  const std::int64_t own = keys - length;
  const at::Tensor past = at::ones({length, keys}, options.dtype(at::kBool)).tril(own);
  return window > 0 ? past.triu(own - window + 1) : past;
}

/// The linear biases of a segment: [H,length,keys].
at::Tensor biases(std::int64_t length, std::int64_t keys, std::int64_t heads, const at::TensorOptions& options) {
  const at::Tensor all = at::arange(keys, options.dtype(at::kLong));
  return alibi(all.sub(all.narrow(0, keys - length, length).unsqueeze(1)), heads, options.dtype().toScalarType());
}

/// One call per segment.
at::Tensor attention_by_segments(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const Segments& segments, const AttentionRule& rule) {
  const auto heads_first = [](const at::Tensor& rows) { return rows.transpose(0, 1).unsqueeze(0); };
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    const at::Tensor keys = with_prefix(k, segments, i), values = with_prefix(v, segments, i);
    const std::int64_t length = segments.length(i);
    at::Tensor mask = readable(length, keys.size(0), rule.window, q.options());
    if (rule.alibi) {
      mask = biases(length, keys.size(0), q.size(1), q.options())
                 .masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
    }
    const at::Tensor result = at::scaled_dot_product_attention(
        heads_first(q.narrow(0, segments.offsets[i], length)), heads_first(keys), heads_first(values), mask,
        /*dropout_p=*/0.0, /*is_causal=*/false, rule.scale, q.size(1) != k.size(1));
    results.push_back(result.squeeze(0).transpose(0, 1));
  }
  return at::cat(results);
}

std::vector<AttentionSpan> attention_spans(const Segments& segments) {
  std::vector<AttentionSpan> spans;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    AttentionSpan span{segments.offsets[i], segments.offsets[i + 1]};
    if (const std::int64_t prefix = segments.prefix(i); prefix >= 0) {
      span.prefix_begin = segments.offsets[prefix];
      span.prefix_end = segments.offsets[prefix + 1];
    }
    spans.push_back(span);
  }
  return spans;
}

/// Returns 0 (no window) if no sequence is longer than the window.
void drop_idle_window(AttentionRule& rule, const Segments& segments) {
  std::int64_t longest = segments.max_length;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    if (segments.prefix(i) >= 0) longest = std::max(longest, segments.length(segments.prefix(i)) + segments.length(i));
  }
  if (rule.window >= longest) rule.window = 0;
}

/// Attention by room `kernels`, as an autograd function.
class PackedAttention : public torch::autograd::Function<PackedAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const AttentionHeads& heads,
                            const Segments& segments, double scale) {
    const std::vector<AttentionSpan> spans = attention_spans(segments);
    const at::Tensor out = at::empty({qkv.size(0), heads.queries * heads.width}, qkv.options());
    const at::Tensor lse = at::empty({heads.queries, qkv.size(0)}, qkv.options().dtype(at::kFloat));
    with_element_type(qkv, [&]<typename T>(T) {
      kernels().of<T>().attention(elements<T>(qkv), heads, spans.data(), segments.count(), static_cast<float>(scale),
                                  mutable_elements<T>(out), mutable_elements<float>(lse), qkv.size(0));
    });
    context->save_for_backward({qkv, out, lse});
    context->saved_data["heads"] = std::vector<std::int64_t>{heads.queries, heads.keys, heads.width};
    context->saved_data["offsets"] = segments.offsets;
    context->saved_data["prefixes"] = segments.prefixes;
    context->saved_data["scale"] = scale;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &qkv = saved[0], &out = saved[1], &lse = saved[2];
    const auto sizes = context->saved_data["heads"].toIntVector();
    const AttentionHeads heads{sizes[0], sizes[1], sizes[2]};
    Segments segments;
    segments.offsets = context->saved_data["offsets"].toIntVector();
    segments.prefixes = context->saved_data["prefixes"].toIntVector();
    const std::vector<AttentionSpan> spans = attention_spans(segments);
    const auto scale = static_cast<float>(context->saved_data["scale"].toDouble());
    const at::Tensor grad_out = gradients[0].contiguous();
    const at::Tensor grad_qkv = at::empty_like(qkv);
    with_element_type(qkv, [&]<typename T>(T) {
      kernels().of<T>().attention_backward(elements<T>(grad_out), elements<T>(qkv), elements<T>(out),
                                           elements<float>(lse), heads, spans.data(), segments.count(), scale,
                                           mutable_elements<T>(grad_qkv), qkv.size(0));
    });
    return {grad_qkv, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor packed_attention(const at::Tensor& qkv, const AttentionHeads& heads, const Segments& segments,
                            AttentionRule rule) {
  check_rule(rule, segments);
  check_heads(heads);
  check_shape(qkv, "qkv", {segments.total(), heads.row()});
  check_floating(qkv, "qkv");
  drop_idle_window(rule, segments);
  if (has_fused(Fused::packed_attention, qkv) && rule.window == 0 && rule.cap == 0 && !rule.alibi) {
    return PackedAttention::apply(qkv.contiguous(), heads, segments, rule.scale);
  }
  const auto& [q, k, v] = split_heads(qkv, heads);
  return packed_attention(q, k, v, segments, rule).flatten(1);
}

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                            AttentionRule rule) {
  check_rule(rule, segments);
  check_inputs(q, k, v, segments);
  drop_idle_window(rule, segments);
  if (rule.cap > 0) return reference_attention(q, k, v, segments, rule);
  if (segments.has_prefixes() || rule.alibi) return attention_by_segments(q, k, v, segments, rule);
  if (!has_varlen_attention(q)) {
    return rule.window > 0 ? attention_by_segments(q, k, v, segments, rule)
                           : attention_by_runs(q, k, v, segments, rule.scale);
  }
  const auto before = rule.window > 0 ? std::optional(rule.window - 1) : std::nullopt;
  const auto after = rule.window > 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  return std::get<0>(at::_flash_attention_forward(
      q, k, v, segments.cu_seqlens, segments.cu_seqlens, segments.max_length, segments.max_length, /*dropout_p=*/0.0,
      /*is_causal=*/true, /*return_debug_mask=*/false, std::optional<double>(rule.scale), before, after));
}

at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
                               const AttentionRule& rule) {
  check_rule(rule, segments);
  check_inputs(q, k, v, segments);
  const std::int64_t group = q.size(1) / k.size(1);
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < segments.count(); ++i) {
    const std::int64_t length = segments.length(i);
    const at::Tensor keys = with_prefix(k, segments, i).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor values = with_prefix(v, segments, i).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor queries = q.narrow(0, segments.offsets[i], length).transpose(0, 1);
    at::Tensor scores = soft_cap(at::matmul(queries, keys.transpose(1, 2)).mul(rule.scale), rule.cap);
    if (rule.alibi) scores = scores.add(biases(length, keys.size(1), q.size(1), q.options()));
    const at::Tensor hidden = readable(length, keys.size(1), rule.window, q.options()).logical_not();
    const at::Tensor weights = at::softmax(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), -1);
    results.push_back(at::matmul(weights, values).transpose(0, 1));
  }
  return at::cat(results);
}

}  // namespace rlhf
