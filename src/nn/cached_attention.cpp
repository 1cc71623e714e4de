// Attention of new tokens to the KV cache.
#include "nn/cached_attention.h"

#include <algorithm>
#include <limits>
#include <string>

#include <ATen/core/List.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include "rlhf/core/error.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn/alibi.h"
#include "nn/equal_runs.h"

namespace rlhf {

void check_prefill_fits(const KvCache& cache, const Segments& segments) {
  if (segments.has_prefixes()) throw ShapeError("prefill: expected whole sequences, found sequences with a prefix");
  const std::int64_t free_rows = cache.rows() - cache.active();
  if (segments.count() <= free_rows && segments.max_length <= cache.capacity()) return;
  throw ShapeError("prefill: expected at most " + std::to_string(free_rows) + " sequences of at most " +
                   std::to_string(cache.capacity()) + " tokens, found " + std::to_string(segments.count()) +
                   " of at most " + std::to_string(segments.max_length));
}

void write_prefill(KvCache& cache, std::int64_t layer, const SplitHeads& heads, const Segments& segments) {
  for (const EqualRun& run : equal_length_runs(segments)) {
    const auto write = [&](const at::Tensor& target, const at::Tensor& source) {
      const at::Tensor rows = source.narrow(0, segments.offsets[run.first], run.count * run.length);
      target.narrow(0, cache.active() + run.first, run.count)
          .narrow(2, 0, run.length)
          .copy_(rows.unflatten(0, {run.count, run.length}).transpose(1, 2));
    };
    write(cache.keys(layer), heads.k);
    write(cache.values(layer), heads.v);
  }
}

DecodeStep make_decode_step(const KvCache& cache, at::Device device) {
  const auto [shortest, longest] = std::minmax_element(cache.lengths().begin(), cache.lengths().end());
  if (longest == cache.lengths().end() || *longest >= cache.capacity()) {
    throw ShapeError("decode: expected active rows of fewer than " + std::to_string(cache.capacity()) +
                     " tokens, found " + std::to_string(cache.active()) + " rows, the longest of " +
                     std::to_string(longest == cache.lengths().end() ? 0 : *longest));
  }
  DecodeStep step;
  const at::TensorOptions options = at::TensorOptions(at::kLong).device(device);
  step.rows = at::arange(cache.active(), options);
  step.positions = to_device(cache.lengths(), device);
  step.shortest = *shortest + 1;
  step.longest = *longest + 1;
  return step;
}

std::optional<at::Tensor> DecodeStep::mask(std::int64_t window) const {
  const bool windowed = window > 0 && window < longest;
  if (shortest == longest && !windowed) return std::nullopt;
  const at::Tensor own = positions.view({-1, 1, 1, 1}), all = at::arange(longest, own.options()).view({1, 1, 1, -1});
  const at::Tensor past = all.le(own);
  return windowed ? past.logical_and(all.gt(own.sub(window))) : past;
}

namespace {

at::Tensor attend_with_kernel(KvCache& cache, std::int64_t layer, const DecodeStep& step, const at::Tensor& qkv,
                              const AttentionHeads& heads, double scale) {
  const at::Tensor out = at::empty({qkv.size(0), heads.queries * heads.width}, qkv.options());
  with_element_type(qkv, [&]<typename T>(T) {
    kernels().of<T>().decode_attention(elements<T>(qkv), heads, mutable_elements<T>(cache.keys(layer)),
                                       mutable_elements<T>(cache.values(layer)), elements<std::int64_t>(step.rows),
                                       elements<std::int64_t>(step.positions), qkv.size(0), cache.capacity(),
                                       static_cast<float>(scale), mutable_elements<T>(out));
  });
  return out;
}

/// q [B,H,E], keys, values [B,G,L,E] -> [B,H·E].
at::Tensor attend_with_cap(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                           const std::optional<at::Tensor>& mask, const AttentionRule& rule) {
  const at::Tensor queries = q.unflatten(1, {keys.size(1), -1});  // [B,G,H/G,E]
  at::Tensor scores = soft_cap(at::matmul(queries, keys.transpose(2, 3)).mul(rule.scale), rule.cap);
  if (mask) scores = scores.masked_fill(mask->logical_not(), -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1), values).flatten(1);
}

/// The mask of keys that are read, or none -> what is added to the scores: [B,H,1,L].
at::Tensor with_biases(const std::optional<at::Tensor>& mask, const DecodeStep& step, const at::Tensor& q) {
  const at::Tensor distances = at::arange(step.longest, step.positions.options()).sub(step.positions.unsqueeze(1));
  const at::Tensor biases = alibi(distances, q.size(1), q.scalar_type()).transpose(0, 1).unsqueeze(2);
  return mask ? biases.masked_fill(mask->logical_not(), -std::numeric_limits<double>::infinity()) : biases;
}

at::Tensor attend_with_operators(KvCache& cache, std::int64_t layer, const DecodeStep& step, const SplitHeads& heads,
                                 const AttentionRule& rule) {
  const auto& [q, k, v] = heads;
  const c10::List<std::optional<at::Tensor>> slots({step.rows, step.positions});
  cache.keys(layer).transpose(1, 2).index_put_(slots, k);
  cache.values(layer).transpose(1, 2).index_put_(slots, v);
  const auto read = [&](const at::Tensor& cached) {
    return cached.narrow(0, 0, step.rows.size(0)).narrow(2, 0, step.longest);
  };
  const at::Tensor keys = read(cache.keys(layer)), values = read(cache.values(layer));
  auto mask = step.mask(rule.window);
  if (rule.alibi) mask = with_biases(mask, step, q);
  if (rule.cap > 0) return attend_with_cap(q, keys, values, mask, rule);
  // Without is_causal: the operator aligns a causal mask to the first key, but the new token is at the last one.
  return at::scaled_dot_product_attention(q.unsqueeze(2), keys, values, mask, /*dropout_p=*/0.0, /*is_causal=*/false,
                                          rule.scale, q.size(1) != k.size(1))
      .squeeze(2)
      .flatten(1);
}

}  // namespace

at::Tensor cached_attention(KvCache& cache, std::int64_t layer, const DecodeStep& step, const at::Tensor& qkv,
                            const AttentionHeads& heads, const AttentionRule& rule) {
  cache.count_written(2 * qkv.size(0) * heads.keys * heads.width * qkv.element_size());
  const bool reads_all = rule.cap == 0 && !rule.alibi && (rule.window == 0 || rule.window >= step.longest);
  if (reads_all && has_fused(Fused::cached_attention, qkv))
    return attend_with_kernel(cache, layer, step, qkv, heads, rule.scale);
  return attend_with_operators(cache, layer, step, split_heads(qkv, heads), rule);
}

}  // namespace rlhf
