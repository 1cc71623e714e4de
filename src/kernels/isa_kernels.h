#pragma once

#include "rlhf/kernels/kernels.h"

/// The kernels of one instruction set, each documented at its pointer in kernels.h. Every template is instantiated for
/// float and BFloat16 in the file that defines it.
namespace rlhf::RLHF_ISA {

template <typename T>
void rms_norm(const T* x, const T* delta, const T* weight, float eps, T* total, T* y, float* rstd, std::int64_t rows,
              std::int64_t width);
template <typename T>
void rms_norm_backward(const T* grad_y, const T* grad_sum, const T* x, const T* weight, const float* rstd, T* grad_x,
                       float* grad_weight, std::int64_t rows, std::int64_t width);
template <typename T>
void rotate(T* x, std::int64_t row_stride, std::int64_t heads, std::int64_t width, const float* cos, const float* sin,
            float direction, std::int64_t rows);
template <typename T>
void swiglu(const T* gate_up, T* out, std::int64_t rows, std::int64_t width);
template <typename T>
void swiglu_backward(const T* gate_up, const T* grad, T* grad_gate_up, std::int64_t rows, std::int64_t width);
template <typename T>
void logprobs(const T* z, float inverse_temperature, const std::int64_t* targets, float* logprob, float* lse,
              float* entropy, bool* correct, std::int64_t rows, std::int64_t vocab);
template <typename T>
void logprobs_backward(T* z, float inverse_temperature, const std::int64_t* targets, const float* lse,
                       const float* entropy, const float* grad_logprob, const float* grad_entropy, std::int64_t rows,
                       std::int64_t vocab);
template <typename T>
void add_to(float* sum, const T* x, std::int64_t count);
template <typename T>
void attention(const T* qkv, AttentionHeads heads, const AttentionSpan* spans, std::int64_t count, float scale, T* out,
               float* lse, std::int64_t total_rows);
template <typename T>
void attention_backward(const T* grad_out, const T* qkv, const T* out, const float* lse, AttentionHeads heads,
                        const AttentionSpan* spans, std::int64_t count, float scale, T* grad_qkv,
                        std::int64_t total_rows);
template <typename T>
void decode_attention(const T* qkv, AttentionHeads heads, T* keys, T* values, const std::int64_t* slots,
                      const std::int64_t* lengths, std::int64_t rows, std::int64_t capacity, float scale, T* out);
template <typename T>
void few_rows_linear(const T* x, const T* weight, T* y, std::int64_t rows, std::int64_t in, std::int64_t out);
template <typename T>
void sample(const T* logits, float temperature, const float* uniforms, std::int64_t* tokens, float* logprobs,
            std::int64_t rows, std::int64_t vocab, std::int64_t drawable);

void adamw(float* weights, const float* gradients, float* exp_avg, float* exp_avg_sq, BFloat16* rounded,
           std::int64_t count, const AdamWStep& step);
void byte_adamw(float* weights, const float* gradients, const ByteMoments& moments, BFloat16* rounded,
                std::int64_t count, const AdamWStep& step, std::uint32_t seed);
double sum_of_squares(const float* x, std::int64_t count);

extern const Kernels kKernels;

}  // namespace rlhf::RLHF_ISA
