#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rlhf {

/// The bits of a bfloat16, which are the upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
};

/// A block of query rows and the rows that they attend to. Query row i of [begin,end) attends to the rows
/// [prefix_begin,prefix_end) and begin..i. Sequences that share a prompt have the same prefix; others have an empty
/// one.
struct AttentionSpan {
  std::int64_t begin = 0, end = 0;
  std::int64_t prefix_begin = 0, prefix_end = 0;
};

/// Layout of a fused query-key-value row: `queries` query heads, then `keys` key heads, then `keys` value heads, each
/// of `width` elements.
struct AttentionHeads {
  std::int64_t queries = 0, keys = 0, width = 0;
  std::int64_t row() const { return (queries + 2 * keys) * width; }
};

/// CPU kernels for which LibTorch has no fused operator, for elements of type T (float or BFloat16). Sums are computed
/// in fp32. Arrays are dense and row-major. Apart from the inputs, results depend only on the instruction set and,
/// where a sum runs over rows, on the number of OpenMP threads.
template <typename T>
struct KernelsOf {
  /// Residual sum and RMS norm: sum = x + delta,  rstd = 1 / √(mean(sum²) + eps),  y = cast(sum · rstd) · weight.
  /// If delta is null, x is normalised and `sum` is not written.
  /// Shapes: x, delta, sum, y [rows,width], weight [width], rstd [rows].
  void (*rms_norm)(const T* x, const T* delta, const T* weight, float eps, T* sum, T* y, float* rstd, std::int64_t rows,
                   std::int64_t width);
  /// grad_x = rstd · (g·w − x̂ · mean(g·w·x̂)) + grad_sum,  grad_weight = Σ_rows g·x̂,  x̂ = x · rstd.
  /// `x` is the sum that was normalised. grad_sum is the gradient that reaches the sum directly; it may be null.
  void (*rms_norm_backward)(const T* grad_y, const T* grad_sum, const T* x, const T* weight, const float* rstd,
                            T* grad_x, float* grad_weight, std::int64_t rows, std::int64_t width);
  /// Rotary embedding, in place: rotates the pairs (i, i + width/2) of the first `heads` heads of every row by
  /// direction (±1) times the angle whose cosine and sine are in cos, sin [rows,width/2]. Source: arXiv:2104.09864,
  /// equation 34.
  void (*rotate)(T* x, std::int64_t row_stride, std::int64_t heads, std::int64_t width, const float* cos,
                 const float* sin, float direction, std::int64_t rows);
  /// out = silu(gate) · up.  Shapes: gate_up [rows,2·width] (gate, then up), out [rows,width].
  void (*swiglu)(const T* gate_up, T* out, std::int64_t rows, std::int64_t width);
  void (*swiglu_backward)(const T* gate_up, const T* grad, T* grad_gate_up, std::int64_t rows, std::int64_t width);

  /// Log-probabilities of logits z [rows,vocab] that are divided by a temperature: lse = log Σ exp z,
  /// logprob = z_target − lse,  entropy = lse − Σ softmax(z)·z,  correct = target is the first of the largest logits.
  /// entropy and correct may be null. Outputs [rows].
  void (*logprobs)(const T* z, float inverse_temperature, const std::int64_t* targets, float* logprob, float* lse,
                   float* entropy, bool* correct, std::int64_t rows, std::int64_t vocab);
  /// Gradient of the logits, written in place of z:  (g·(1[v = target] − p_v) − h·p_v·(log p_v + H)) / τ
  /// with p = softmax(z/τ), H the entropy, and g, h the gradients of log-probability and entropy (either may be null).
  void (*logprobs_backward)(T* z, float inverse_temperature, const std::int64_t* targets, const float* lse,
                            const float* entropy, const float* grad_logprob, const float* grad_entropy,
                            std::int64_t rows, std::int64_t vocab);

  /// sum += x.
  void (*add_to)(float* sum, const T* x, std::int64_t count);

  /// Causal attention, softmax(scale · q·kᵀ)·v within each span, scale > 0.
  /// Shapes: qkv [N,heads.row()], out [N,queries·width], lse [queries,N] (log-sum-exp of the scaled scores, which the
  /// backward pass needs), N = total_rows.
  void (*attention)(const T* qkv, AttentionHeads heads, const AttentionSpan* spans, std::int64_t count, float scale,
                    T* out, float* lse, std::int64_t total_rows);
  /// Gradient of qkv [N,heads.row()]. Every element is written; rows that no span covers get 0.
  void (*attention_backward)(const T* grad_out, const T* qkv, const T* out, const float* lse, AttentionHeads heads,
                             const AttentionSpan* spans, std::int64_t count, float scale, T* grad_qkv,
                             std::int64_t total_rows);

  /// Attention of one new token per row to its cached tokens: writes the key and value of row b to the cache at
  /// position lengths[b] of slot slots[b], then attends to positions 0..lengths[b].
  /// Shapes: qkv [rows,heads.row()], keys and values [slots,heads.keys,capacity,width], out [rows,queries·width].
  void (*decode_attention)(const T* qkv, AttentionHeads heads, T* keys, T* values, const std::int64_t* slots,
                           const std::int64_t* lengths, std::int64_t rows, std::int64_t capacity, float scale, T* out);
  /// y = x·Wᵀ for a small number of rows: x [rows,in], W [out,in], y [rows,out]. Reads W once per 64 rows.
  void (*few_rows_linear)(const T* x, const T* weight, T* y, std::int64_t rows, std::int64_t in, std::int64_t out);
  /// Samples one token per row from the first `drawable` columns of logits [rows,vocab]: the first of the largest
  /// logits if temperature is 0, else the first token at which the cumulative probability of softmax(z/temperature)
  /// over these columns exceeds uniforms[row]. logprobs [rows] are over all columns, at that temperature (at 1 if it is
  /// 0). `uniforms` may be null if temperature is 0.
  void (*sample)(const T* logits, float temperature, const float* uniforms, std::int64_t* tokens, float* logprobs,
                 std::int64_t rows, std::int64_t vocab, std::int64_t drawable);
};

/// Parameters of one AdamW step. With g the gradient times `scale` (clipping) and c_i = 1 − β_iᵗ (the corrections):
///   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − lr·(wd·w + (m/c₁) / (√(v/c₂) + eps))
/// Source: arXiv:1711.05101, algorithm 2.
struct AdamWStep {
  float lr, beta1, beta2, eps, weight_decay, correction1, correction2, scale;
};

/// Moments of AdamW in one byte each. A block of kMomentBlock elements has a scale a, its largest magnitude, and codes
/// c:
///   m = a·sign(c)·(c/127)², c in −127…127;   √v = a·(c/255)², c in 0…255
/// so that small numbers have as many codes as large ones. A number between two codes is rounded to one of them at
/// random, in proportion to its distance in √, because averages would not move if each small change were rounded away.
/// A v above 0 has a code of at least 1: the step is divided by its root. The random number of element i of a step is a
/// hash of (seed, i). Source of blocks and companding: arXiv:2110.02861.
struct ByteMoments {
  std::int8_t* exp_avg;
  std::uint8_t* exp_avg_sq;
  float *exp_avg_scales, *exp_avg_sq_scales;  ///< [⌈count / kMomentBlock⌉]
};
inline constexpr std::int64_t kMomentBlock = 256;

/// The kernels of one instruction set.
struct Kernels {
  std::string_view name;  ///< "avx512_bf16", "avx512", "avx2", "plain"
  KernelsOf<float> fp32;
  KernelsOf<BFloat16> bf16;
  /// One AdamW step on `count` weights. `rounded`, if not null, receives the new weights in bfloat16.
  void (*adamw)(float* weights, const float* gradients, float* exp_avg, float* exp_avg_sq, BFloat16* rounded,
                std::int64_t count, const AdamWStep& step);
  /// The same with moments in bytes.
  void (*byte_adamw)(float* weights, const float* gradients, const ByteMoments& moments, BFloat16* rounded,
                     std::int64_t count, const AdamWStep& step, std::uint32_t seed);
  /// Σ x²: fp32 sums within blocks of 4096, their sum in double. The order of the additions depends only on `count`.
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

/// The kernels of the best instruction set of this CPU, or of the one that the environment variable RLHF_KERNELS names
/// (for comparisons). Throws DeviceError if this CPU does not have that one.
const Kernels& kernels();
/// All kernel sets that this CPU can run, best first.
std::vector<const Kernels*> available_kernels();

}  // namespace rlhf
