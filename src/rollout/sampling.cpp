// Top-k and top-p filtering and sampling by inverse transform.
#include "rlhf/rollout/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/packed_batch.h"

#include "rollout/draw_tokens.h"

namespace rlhf {
namespace {

/// The candidates of each row, in decreasing order of probability unless all tokens are kept.
struct Candidates {
  at::Tensor probabilities;  ///< [B,K] fp32, 0 for removed tokens; does not have to sum to 1
  at::Tensor ids;            ///< [B,K] int64, undefined where column = token id
};

/// The largest ids of an ascending list are often those of all columns from some column on. Returns that column, and
/// removes them from the list.
std::int64_t columns_before(TokenIds& never, std::int64_t vocab) {
  while (!never.empty() && never.back() >= vocab - 1) {
    if (never.back() == vocab - 1) --vocab;
    never.pop_back();
  }
  return vocab;
}

/// The log-probabilities, with −∞ for the ids that are never sampled.
at::Tensor without(const at::Tensor& logprobs, const TokenIds& never) {
  const auto end = std::lower_bound(never.begin(), never.end(), logprobs.size(1));
  if (end == never.begin()) return logprobs;
  const std::vector<std::int64_t> ids(never.begin(), end);
  return logprobs.index_fill(1, to_device(ids, logprobs.device()), -std::numeric_limits<double>::infinity());
}

/// Keeps the top_k most likely tokens, renormalises, then keeps the fewest of them whose probabilities reach top_p.
Candidates keep_likeliest(const at::Tensor& logprobs, const SamplingOptions& options) {
  const std::int64_t vocab = logprobs.size(1);
  Candidates kept;
  if (options.top_k > 0 && options.top_k < vocab) {
    std::tie(kept.probabilities, kept.ids) = at::topk(logprobs, options.top_k, /*dim=*/1, /*largest=*/true, true);
  } else if (options.top_p < 1.0) {
    std::tie(kept.probabilities, kept.ids) = at::sort(logprobs, /*stable=*/true, /*dim=*/1, /*descending=*/true);
  } else {
    return {at::exp(logprobs), {}};
  }
  kept.probabilities = kept.probabilities.exp();
  if (options.top_p < 1.0) {
    const at::Tensor shares = kept.probabilities / kept.probabilities.sum(1, /*keepdim=*/true);
    const at::Tensor mass_before = at::cumsum(shares, 1) - shares;
    kept.probabilities = kept.probabilities * (mass_before < options.top_p);
  }
  return kept;
}

/// The column of the first candidate at which the cumulative probability exceeds u · total: [B,K] -> [B,1]. Columns of
/// probability 0 are skipped and the threshold is kept below the total: otherwise rounding (of u to 1, or of a parallel
/// sum, which need not be monotone) could return a removed token or run past the end.
at::Tensor invert_distribution(const at::Tensor& probabilities, const at::Tensor& uniforms) {
  const at::Tensor cumulative = at::where(probabilities > 0, at::cumsum(probabilities, 1), -1.0);
  const at::Tensor total = cumulative.amax(1, /*keepdim=*/true);
  const double below_one = 1.0 - std::numeric_limits<float>::epsilon();
  const at::Tensor threshold = total * uniforms.unsqueeze(1).clamp_max(below_one);
  return at::argmax((cumulative > threshold).to(at::kByte), 1, /*keepdim=*/true);
}

/// Draws from the whole vocabulary by the kernel, without a second array of the size of the logits.
Sampled sample_by_kernel(const at::Tensor& logits, const at::Tensor& uniforms, double temperature,
                         std::int64_t drawable) {
  const at::Tensor rows = logits.contiguous();
  const at::Tensor draws = uniforms.defined() ? uniforms.to(at::kFloat).contiguous() : uniforms;
  Sampled sampled{at::empty({logits.size(0)}, logits.options().dtype(at::kLong)),
                  at::empty({logits.size(0)}, logits.options().dtype(at::kFloat))};
  with_element_type(rows, [&]<typename T>(T) {
    kernels().of<T>().sample(elements<T>(rows), static_cast<float>(temperature), elements<float>(draws),
                             mutable_elements<std::int64_t>(sampled.tokens), mutable_elements<float>(sampled.logprobs),
                             rows.size(0), rows.size(1), drawable);
  });
  return sampled;
}

}  // namespace

void check_sampling(const SamplingOptions& options) {
  check_argument(options.temperature >= 0 && std::isfinite(options.temperature), "temperature", "at least 0",
                 options.temperature);
  check_argument(options.top_p > 0 && options.top_p <= 1, "top_p", "above 0 and at most 1", options.top_p);
  check_argument(options.top_k >= 0, "top_k", "at least 0", options.top_k);
}

Sampled draw_tokens(const at::Tensor& logits, const at::Tensor& uniforms, const SamplingOptions& options) {
  const bool greedy = options.temperature == 0;
  const bool whole_vocabulary =
      greedy || (options.top_p == 1.0 && (options.top_k == 0 || options.top_k >= logits.size(1)));
  TokenIds gaps = options.never;
  const std::int64_t drawable = columns_before(gaps, logits.size(1));
  if (whole_vocabulary && gaps.empty() && drawable > 0 && has_fused(Fused::sampling, logits))
    return sample_by_kernel(logits, uniforms, options.temperature, drawable);
  at::Tensor scaled = logits.to(at::kFloat);
  if (!greedy && options.temperature != 1.0) scaled = scaled / options.temperature;
  const at::Tensor logprobs = at::log_softmax(scaled, 1);
  const at::Tensor allowed = without(logprobs, options.never);

  at::Tensor chosen;  // [B,1]
  if (greedy) {
    chosen = at::argmax(allowed, 1, /*keepdim=*/true);
  } else {
    const Candidates kept = keep_likeliest(allowed, options);
    chosen = invert_distribution(kept.probabilities, uniforms);
    if (kept.ids.defined()) chosen = at::gather(kept.ids, 1, chosen);
  }
  return {chosen.squeeze(1), at::gather(logprobs, 1, chosen).squeeze(1)};
}

Sampled sample_tokens(const at::Tensor& logits, const at::Tensor& uniforms, const SamplingOptions& options) {
  check_shape(logits, "logits", {-1, -1});
  check_floating(logits, "logits");
  if (logits.size(1) == 0) throw ShapeError("logits: expected a vocabulary of at least one token, found none");
  check_sampling(options);
  if (options.temperature > 0) {
    check_shape(uniforms, "uniforms", {logits.size(0)});
    check_floating(uniforms, "uniforms");
    check_device(uniforms, "uniforms", logits.device());
  }
  if (logits.size(0) == 0)
    return {at::empty({0}, logits.options().dtype(at::kLong)), at::empty({0}, logits.options().dtype(at::kFloat))};
  Sampled drawn = draw_tokens(logits, uniforms, options);
  if (logits.is_cpu()) check_finite(drawn.logprobs, "log-probabilities of the logits");
  return drawn;
}

TokenIds stop_ids(const ModelFolder& folder, const Tokenizer& tokenizer, std::optional<std::int32_t> end_of_turn) {
  TokenIds ids = folder.eos_ids;
  const auto is_new = [&](std::optional<std::int32_t> id) {
    return id && std::find(ids.begin(), ids.end(), *id) == ids.end();
  };
  // The EOS of the tokenizer ends plain texts; programs that take one id take the first.
  if (const auto eos = tokenizer.eos_id(); is_new(eos)) ids.insert(ids.begin(), *eos);
  if (is_new(end_of_turn)) ids.push_back(*end_of_turn);
  return ids;
}

}  // namespace rlhf
