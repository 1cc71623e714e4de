#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rlhf {

/// A bfloat16 as it lies in memory: the upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
};

/// Rows of attention: what a block of queries may read. Query row i of [begin,end) reads the rows of [prefix_begin,
/// prefix_end) and the rows begin..i. Sequences that share a prompt name the same prefix; others have an empty one.
struct AttentionSpan {
  std::int64_t begin = 0, end = 0;
  std::int64_t prefix_begin = 0, prefix_end = 0;
};

/// Heads of a fused query-key-value row: H query heads, then G key heads, then G value heads, each `width` wide.
struct AttentionHeads {
  std::int64_t queries = 0, keys = 0, width = 0;
  std::int64_t row() const { return (queries + 2 * keys) * width; }
};

/// The arithmetic that LibTorch has no fused operator for on a CPU, for elements of type T (float or BFloat16). Sums
/// run in fp32. Row-major dense arrays; results depend on the instruction set and, where a sum runs over rows, on the
/// number of OpenMP threads, and on nothing else.
template <typename T>
struct KernelsOf {
  /// Residual sum and root mean square norm: sum = x + delta, y = cast(sum / √(mean(sum²) + eps)) · weight, and
  /// rstd [rows]. delta null: x itself is normed, `sum` is not written.  Shapes [rows,width], weight [width].
  void (*rms_norm)(const T* x, const T* delta, const T* weight, float eps, T* sum, T* y, float* rstd, std::int64_t rows,
                   std::int64_t width);
  /// grad_x = rstd · (g·w − x̂ · mean(g·w·x̂)) + grad_sum,  grad_weight = Σ_rows g·x̂,  x̂ = x · rstd.
  /// `x` is the normed sum; grad_sum, the gradient that reaches the sum on its own, may be null.
  void (*rms_norm_backward)(const T* grad_y, const T* grad_sum, const T* x, const T* weight, const float* rstd,
                            T* grad_x, float* grad_weight, std::int64_t rows, std::int64_t width);
  /// Turns the pairs (i, i + width/2) of the first `heads` heads of every row in place by direction (±1) times the
  /// angle whose cosine and sine stand in cos, sin [rows,width/2]. Source: arXiv:2104.09864, equation 34.
  void (*rotate)(T* x, std::int64_t row_stride, std::int64_t heads, std::int64_t width, const float* cos,
                 const float* sin, float direction, std::int64_t rows);
  /// out = silu(gate) · up for rows gate‖up [rows,2·width].
  void (*swiglu)(const T* gate_up, T* out, std::int64_t rows, std::int64_t width);
  void (*swiglu_backward)(const T* gate_up, const T* grad, T* grad_gate_up, std::int64_t rows, std::int64_t width);

  /// Of logits z [rows,vocab] divided by a temperature: logprob = z_target − lse, lse = log Σ exp z, and, where not
  /// null, the entropy lse − Σ softmax(z)·z and whether the target is the first of the largest.
  void (*logprobs)(const T* z, float inverse_temperature, const std::int64_t* targets, float* logprob, float* lse,
                   float* entropy, bool* correct, std::int64_t rows, std::int64_t vocab);
  /// In place: z becomes the gradient of z. With p = softmax(z/τ), H the entropy and g, h the incoming gradients of
  /// log-probability and entropy (either may be null):  (g·(1[v = target] − p_v) − h·p_v·(log p_v + H)) / τ
  void (*logprobs_backward)(T* z, float inverse_temperature, const std::int64_t* targets, const float* lse,
                            const float* entropy, const float* grad_logprob, const float* grad_entropy,
                            std::int64_t rows, std::int64_t vocab);

  /// sum += x.
  void (*add_to)(float* sum, const T* x, std::int64_t count);

  /// Causal attention over fused rows qkv [N, heads.row()]: out [N, queries·width], lse [queries,N] (log-sum-exp of
  /// the scaled scores; the backward needs it).  softmax(scale · q·kᵀ)·v within each span,
  /// scale > 0.
  void (*attention)(const T* qkv, AttentionHeads heads, const AttentionSpan* spans, std::int64_t count, float scale,
                    T* out, float* lse, std::int64_t total_rows);
  /// Gradient of all of qkv, written once per element (rows that no span covers get 0).
  void (*attention_backward)(const T* grad_out, const T* qkv, const T* out, const float* lse, AttentionHeads heads,
                             const AttentionSpan* spans, std::int64_t count, float scale, T* grad_qkv,
                             std::int64_t total_rows);

  /// One new token per row against its cache: appends the row's key and value at position lengths[b] and attends to
  /// positions 0..lengths[b].  qkv [rows, heads.row()], cache rows slots[b]: keys, values [slot, keys, capacity,
  /// width].
  void (*decode_attention)(const T* qkv, AttentionHeads heads, T* keys, T* values, const std::int64_t* slots,
                           const std::int64_t* lengths, std::int64_t rows, std::int64_t capacity, float scale, T* out);
  /// y = x·Wᵀ for few rows: x [rows,in], W [out,in], y [rows,out]. Reads W once for up to 64 rows.
  void (*few_rows_linear)(const T* x, const T* weight, T* y, std::int64_t rows, std::int64_t in, std::int64_t out);
  /// One token per row from logits [rows,vocab]: temperature 0 takes the first of the largest; else the first token
  /// at which the cumulative probability of softmax(z/temperature) exceeds uniform. logprob at that temperature (0: 1).
  void (*sample)(const T* logits, float temperature, const float* uniforms, std::int64_t* tokens, float* logprobs,
                 std::int64_t rows, std::int64_t vocab);
};

/// One step of AdamW on n weights: scale is multiplied into the gradient first (clipping);
///   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·(wd·w + (m/c₁) / (√(v/c₂) + eps)),  c_i = 1 − β_iᵗ
/// `rounded`, if not null, receives w in bfloat16. Source: arXiv:1711.05101, algorithm 2.
struct AdamWStep {
  float lr, beta1, beta2, eps, weight_decay, correction1, correction2, scale;
};

/// The kernels of one instruction set.
struct Kernels {
  std::string_view name;  ///< "avx512_bf16", "avx512", "avx2", "plain"
  KernelsOf<float> fp32;
  KernelsOf<BFloat16> bf16;
  void (*adamw)(float* weights, const float* gradients, float* exp_avg, float* exp_avg_sq, BFloat16* rounded,
                std::int64_t count, const AdamWStep& step);
  /// Σ x², in fp32 within blocks of 4096 and in double between them, in an order that depends on `count` alone.
  double (*sum_of_squares)(const float* x, std::int64_t count);

  template <typename T>
  const KernelsOf<T>& of() const {
    if constexpr (std::is_same_v<T, float>) {
      return fp32;
    } else {
      return bf16;
    }
  }
};

/// The kernels of the best instruction set that this CPU has (or of the one that RLHF_KERNELS names, for comparisons).
const Kernels& kernels();
/// All that this CPU can run, the best first.
std::vector<const Kernels*> available_kernels();

}  // namespace rlhf
