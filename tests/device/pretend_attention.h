#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace rlhf::testing::pretend {

/// aten::_flash_attention_forward and its backward pass as CUDA has them for packed sequences: causal attention of each
/// query over the keys of its sequence, aligned at the end, optionally within a window. They refuse what CUDA refuses.
/// Boxed functions, because the versions of LibTorch have different numbers of arguments.
void varlen_attention(const c10::OperatorHandle& op, torch::jit::Stack* stack);
void varlen_attention_backward(const c10::OperatorHandle& op, torch::jit::Stack* stack);

}  // namespace rlhf::testing::pretend
