// Each kernel against what LibTorch's operators take for the same, by turns in one process. One line per kernel.
//   bench-kernels          all
//   bench-kernels head     those whose name begins so
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "rlhf/nn/attention.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/tensor/device.h"
#include "rlhf/tensor/fused.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/linear_logprobs.h"
#include "rlhf/tensor/packed_batch.h"

#include "nn/rms_norm.h"
#include "nn/swiglu.h"

namespace rlhf {
namespace {

using Work = std::function<void()>;

/// What a run takes on this CPU when nothing else is said.
const at::ScalarType kDtype = resolve_compute(DeviceChoice::cpu, DtypeChoice::auto_).dtype;

double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

std::string_view wanted;  // the beginning of the names

void compare(std::string_view what, const Work& ours, const Work& libtorch) {
  if (!what.starts_with(wanted)) return;
  constexpr int kWarmUp = 3, kRuns = 25;
  std::vector<double> a, b, ratios;
  for (int run = -kWarmUp; run < kRuns; ++run) {
    const double mine = seconds_of(ours), theirs = seconds_of(libtorch);
    if (run < 0) continue;
    a.push_back(mine);
    b.push_back(theirs);
    ratios.push_back(theirs / mine);
  }
  std::printf("| %-62s | %8.2f | %8.2f | %5.1fx |\n", std::string(what).c_str(), 1e3 * median(a), 1e3 * median(b),
              median(ratios));
}

at::Tensor leaf(at::IntArrayRef sizes, double scale = 1) {
  return at::randn(sizes).mul_(scale).to(kDtype).set_requires_grad(true);
}

/// Forward and backward of `function`, from a gradient of ones.
Work both_ways(std::function<at::Tensor()> function) {
  return [function = std::move(function)] { function().sum().backward(); };
}

constexpr std::int64_t kRows = 1920, kWidth = 512, kInner = 1408, kVocab = 32000;

void compare_rows() {
  const at::Tensor x = leaf({kRows, kWidth}), delta = leaf({kRows, kWidth}), weight = leaf({kWidth});
  compare("residual sum and norm, forward + backward",
          both_ways([&] { return add_rms_norm(x, delta, weight, 1e-6).norm; }),
          both_ways([&] { return at::rms_norm(x.add(delta), weight.sizes(), weight, 1e-6); }));
  const at::Tensor gate_up = leaf({kRows, 2 * kInner});
  compare("gated activation, forward + backward", both_ways([&] { return swiglu(gate_up); }),
          both_ways([&] { return at::silu(gate_up.narrow(1, 0, kInner)).mul(gate_up.narrow(1, kInner, kInner)); }));
}

void compare_attention() {
  const AttentionHeads heads{8, 4, 64};
  std::vector<std::int64_t> lengths;
  for (const std::int64_t length : {301, 262, 240, 223, 205, 190, 178, 164, 100, 57}) lengths.push_back(length);
  const Segments segments = make_segments(lengths, at::kCPU);
  const at::Tensor qkv = leaf({segments.total(), heads.row()});
  const at::Tensor rows = qkv.view({segments.total(), -1, heads.width});
  const auto by_libtorch = [&](at::ScalarType dtype) {
    return packed_attention(rows.narrow(1, 0, 8).to(dtype), rows.narrow(1, 8, 4).to(dtype),
                            rows.narrow(1, 12, 4).to(dtype), segments, {0.125});
  };
  const auto ours = [&] { return packed_attention(qkv, heads, segments, {0.125}); };
  compare("attention of 10 sequences, against float32 flash, forward + backward", both_ways(ours),
          both_ways([&] { return by_libtorch(at::kFloat); }));
  const at::NoGradGuard no_grad;
  compare("attention of 10 sequences, against bfloat16 flash, forward", ours, [&] { by_libtorch(at::kBFloat16); });
}

void compare_head() {
  const at::Tensor hidden = leaf({1024, kWidth}), head = leaf({kVocab, kWidth}, 0.04);
  const at::Tensor targets = at::randint(kVocab, {1024}, at::kLong);
  head.mutable_grad() = at::zeros({kVocab, kWidth}, at::kFloat);
  const auto loss = [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); };
  const auto ours = [&] { backward_through_logprobs(hidden.mul(1), head, targets, {}, loss); };
  compare("log-probabilities of 1024 labels: one pass, against recomputing", ours,
          [&] { linear_logprobs(hidden.mul(1), head, targets).logprobs.sum().backward(); });
  compare("log-probabilities of 1024 labels: one pass, against [rows, vocabulary]", ours, [&] {
    const at::Tensor logits = at::linear(hidden, head).to(at::kFloat);
    at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).sum().backward();
  });
}

void compare_decoding() {
  const at::NoGradGuard no_grad;
  const at::Tensor head = at::randn({kVocab, kWidth}).to(kDtype);
  for (const auto& [rows, what] : {std::pair{1, "head, 1 row"}, {16, "head, 16 rows"}, {64, "head, 64 rows"}}) {
    const at::Tensor x = at::randn({rows, kWidth}).to(kDtype);
    compare(
        what, [&] { apply_linear(x, head); }, [&] { at::linear(x, head); });
  }
  const at::Tensor logits = at::randn({16, kVocab}).to(kDtype), uniforms = at::zeros({16}).add(0.5);
  compare(
      "sampling 16 rows with log-probabilities", [&] { sample_tokens(logits, uniforms, {}); },
      [&] {
        const at::Tensor logprobs = at::log_softmax(logits.to(at::kFloat), 1);
        logprobs.gather(1, at::multinomial(logprobs.exp(), 1));
      });
}

void compare_optimizer() {
  const at::NoGradGuard no_grad;
  constexpr std::int64_t kCount = 20'000'000;
  const at::Tensor weights = at::randn({kCount}), gradients = at::randn({kCount}), rounded = weights.to(at::kBFloat16);
  const at::Tensor exp_avg = at::zeros_like(weights), exp_avg_sq = at::zeros_like(weights), step = at::zeros({}).add(1);
  const AdamWStep options{.lr = 1e-6F,
                          .beta1 = 0.9F,
                          .beta2 = 0.95F,
                          .eps = 1e-8F,
                          .weight_decay = 0,
                          .correction1 = 0.1F,
                          .correction2 = 0.05F,
                          .scale = 0.5F};
  compare(
      "AdamW of 20 M weights: clipping, step, rounding",
      [&] {
        kernels().adamw(mutable_elements<float>(weights), elements<float>(gradients), mutable_elements<float>(exp_avg),
                        mutable_elements<float>(exp_avg_sq), mutable_elements<BFloat16>(rounded), kCount, options);
      },
      [&] {
        gradients.mul_(0.999999);
        at::_fused_adamw_({weights}, {gradients}, {exp_avg}, {exp_avg_sq}, {}, {step}, 1e-6, 0.9, 0.95, 0.0, 1e-8,
                          false, false);
        rounded.copy_(weights);
      });
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) {
  if (argc > 1) rlhf::wanted = argv[1];
  std::printf("kernels: %s; %s unless said; medians of 25 pairs\n\n", std::string(rlhf::kernels().name).c_str(),
              c10::toString(rlhf::kDtype));
  std::printf("| what | ours, ms | LibTorch, ms | median of the ratios |\n|---|---|---|---|\n");
  rlhf::compare_rows();
  rlhf::compare_attention();
  rlhf::compare_head();
  rlhf::compare_decoding();
  rlhf::compare_optimizer();
}
